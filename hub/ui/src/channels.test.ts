import { expect, test } from 'vitest';
import type { Channel } from './api/channels';
import { KINDS, blank, draftOf, formOf, lines } from './channels';

const base = {
  id: '00000000-0000-0000-0000-000000000001',
  name: '值班群',
  enabled: true,
  severity_min: 'major',
  language: 'zh',
  period_hours: 25,
  address_hint: 'oapi.dingtalk.com …cdef',
  secret_hint: '…6789',
  state: 'good',
  trouble: '',
};

test('a stored secret is neither shown nor sent back', () => {
  const channel = { ...base, settings: { kind: 'dingtalk' } } as Channel;
  const draft = draftOf(channel);
  expect([draft.address, draft.secret]).toEqual(['', '']);
  const form = formOf(draft);
  expect(form.address).toBeUndefined();
  expect(form.secret).toBeUndefined();
  expect(JSON.stringify(form)).not.toContain('cdef');
  expect(formOf({ ...draft, secret: ' new ' }).secret).toBe('new');
});

test('settings come back as they were', () => {
  const mail = {
    kind: 'smtp',
    host: 'mail.example.edu.cn',
    port: 465,
    security: 'tls',
    user: 'xunke',
    from: 'xunke@example.edu.cn',
    to: ['a@example.edu.cn', 'b@example.edu.cn'],
  };
  const sms = {
    kind: 'sms',
    method: 'post',
    address: 'https://sms.example.edu.cn/send',
    headers: [{ name: 'Authorization', value: 'Bearer {{secret}}' }],
    body: '{"to":"{{phones}}"}',
    body_kind: 'json',
    success_at: '/code',
    success_is: '0',
    phones: ['13800000001', '13800000002'],
    day_max: 50,
  };
  for (const settings of [mail, sms, { kind: 'webhook' }]) {
    const form = formOf(draftOf({ ...base, settings } as Channel));
    expect(form.settings).toEqual(settings);
  }
});

test('every kind begins with what can be sent', () => {
  for (const kind of KINDS) {
    const form = formOf(blank(kind));
    expect(form.settings.kind).toBe(kind);
    expect(form.severity_min).toBe(kind === 'sms' ? 'critical' : 'major');
  }
});

test('lists are lines, and commas part them too', () => {
  expect(lines(' 138 \n\n139，137;136 ')).toEqual(['138', '139', '137', '136']);
  expect(lines('Accept: a, b\nX-Key: 1')).toEqual(['Accept: a, b', 'X-Key: 1']);
});
