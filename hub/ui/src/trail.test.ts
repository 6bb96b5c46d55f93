import { afterEach, describe, expect, it } from 'vitest';
import { locale } from './i18n';
import { detailText, objectBegin, objectText, purposeText } from './trail';

const VIEW = 'view 019aa9f1-0000-7000-8000-0123456789ab';

describe('lines of the trail', () => {
  afterEach(() => {
    locale.value = 'zh';
  });

  it('name a purpose with the words that were given', () => {
    expect(purposeText('plan')).toBe('计划巡课');
    expect(purposeText('other: 校长来访: 二号楼')).toBe('其他：校长来访：二号楼');
    expect(purposeText('')).toBe('');
  });

  it('name the room, and a view by the end of its id', () => {
    expect(objectText('博学楼101 019aa9f1-0000-7000-8000-0123456789ab')).toBe('博学楼101');
    expect(objectText(VIEW)).toBe('查看 6789ab');
    expect(objectText('box-1a2b')).toBe('box-1a2b');
  });

  it('R118 are asked for by the room, whatever was watched in it', () => {
    expect(objectBegin('博学楼101 019aa9f1-0000-7000-8000-0123456789ab')).toBe('博学楼101 ');
    expect(objectBegin(VIEW)).toBe(VIEW);
    expect(objectBegin('SQ-00001 吴刚 U5001')).toBe('SQ-00001 吴刚 U5001');
  });

  it('R116 X4 say what failed, what was taken out and how long an account was unused', () => {
    const request = '019aa9f1-0000-7000-8000-0123456789ab';
    expect(detailText(`500, request ${request}, 3 untold`)).toBe(
      '500，请求号 0123456789ab，另有 3 次未单独记录',
    );
    expect(detailText('excerpt, xlsx 12')).toBe('筛选结果，xlsx 12');
    expect(detailText('unused, 200 days')).toBe('长期未用，200 天');
  });

  it('say how a view ended', () => {
    expect(detailText(VIEW)).toBe('查看 6789ab');
    expect(detailText('closed, 10:23:02–10:25:07, 12 s of picture, 9 s shown')).toBe(
      '本人关闭，10:23:02–10:25:07，画面 12 秒，实际显示 9 秒',
    );
    expect(detailText('idle; watched cam0 08:00:00-08:05:10')).toBe(
      '久未操作，已看 cam0 08:00:00-08:05:10',
    );
    const cut = 'hub_ended_unexpectedly, 2026-11-22 06:26:40 – 2026-11-22 06:27:20';
    expect(detailText(`${cut} (last known to be watched)`)).toBe(
      '平台意外中断，2026-11-22 06:26:40 – 2026-11-22 06:27:20（最后确知仍在查看）',
    );
    expect(detailText('other_unit')).toBe('非所在单位');
    locale.value = 'en';
    expect(detailText('page_closed, 10:23:02–10:25:07, 12 s of picture')).toBe(
      'page closed, 10:23:02–10:25:07, 12 s of picture',
    );
  });

  it('leave alone what they do not know', () => {
    expect(detailText('certificate 0a1b')).toBe('证书 0a1b');
    expect(detailText('something 0a1b')).toBe('something 0a1b');
    expect(detailText('')).toBe('');
  });
});
