// Words of how the trail is kept: excerpts, signed days, the copy on another machine, failures.
export const zh = {
  'audit.exportAll': '导出全部',
  'audit.exportFound': '导出筛选结果',
  'audit.exportFoundHint': '按当前筛选条件导出，一次最多 20,000 条；导出本身也会记入审计。',
  'trail.excerpt': '筛选结果',

  'days.title': '每日链头与签名',
  'days.whole': '每日签名 {count} 天，全部有效',
  'days.broken': '{count} 天的签名不符',
  'days.show': '逐日查看',
  'days.date': '日期',
  'days.seq': '链头',
  'days.signedAt': '签名时间',
  'days.state': '复核',
  'days.holds': '有效',
  'days.fails': '不符',
  'days.brokenWhat':
    '的链头或签名与签名时不一致：当日或此前的审计记录可能被人从外部改动。请立即：',
  'days.brokenKeep': '导出全部审计记录并妥善保存，不要清理或升级平台；',
  'days.brokenCompare':
    '与抄下的链头、异地备份逐日比对（xunke-hub audit verify 文件），找出第一处不同；',
  'days.brokenTell': '报告信息中心负责人与教务处，按第五条第3项处理，并记入日志检查的处理措施。',

  'copy.title': '异地备份',
  'copy.off': '未配置异地备份：请系统管理员在配置 [audit] copy_dir 中填写另一台机器的挂载目录。',
  'copy.waiting': '已配置，等待第一个签名日。',
  'copy.good': '异地备份正常，已备份到 {date}。',
  'copy.failing': '异地备份自 {since} 起中断：{why}',
  'copy.failingNext': '其他功能不受影响，恢复后自动补齐。已备份到 {date}。',
  'copy.failingNone': '其他功能不受影响，恢复后自动补齐。尚无已备份的日子。',
  'action.copy_trail': '异地备份审计记录',
  'copyWhy.unmarked': '目录中没有标记文件 xunke-trail-copies，可能没有挂载。请挂载后重试。',
  'copyWhy.full': '目录所在磁盘已满。请在那台机器上腾出空间。',
  'copyWhy.unreachable': '目录不存在、没有应答或不可写。请检查挂载、网络与权限。',
  'copyWhy.damaged': '写入的内容读回校验不符，或已有的备份与平台不一致。请检查那台机器的磁盘。',
  'copyWhy.broken': '审计记录本身校验不符，未备份。请看上方每日签名的提示。',
  'trail.unmarked': '没有标记文件，可能未挂载',
  'trail.full': '磁盘已满',
  'trail.unreachable': '目录不可用',
  'trail.damaged': '读回校验不符',
  'trail.broken': '审计记录校验不符',
} as const;

export const en: Record<keyof typeof zh, string> = {
  'audit.exportAll': 'Export all',
  'audit.exportFound': 'Export what is found',
  'audit.exportFoundHint':
    'Exports what the filters find, 20,000 entries at most; the export itself is an entry.',
  'trail.excerpt': 'what was found',

  'days.title': 'Signed heads of the days',
  'days.whole': 'Signed days: {count}, all hold',
  'days.broken': 'Signed days that do not hold: {count}',
  'days.show': 'Day by day',
  'days.date': 'Date',
  'days.seq': 'Head',
  'days.signedAt': 'Signed',
  'days.state': 'Asked again',
  'days.holds': 'holds',
  'days.fails': 'does not hold',
  'days.brokenWhat':
    '– head or signature is not what was signed. Entries of that day or before may have been changed from outside. At once:',
  'days.brokenKeep': 'export the whole trail and keep it; do not clean up or upgrade the platform;',
  'days.brokenCompare':
    'compare day by day with the heads noted down and the copy on the other machine (xunke-hub audit verify FILE) and find the first difference;',
  'days.brokenTell':
    'tell the head of the IT centre and Academic Affairs (article 5 (3)) and note it in the inspection.',

  'copy.title': 'Copy on another machine',
  'copy.off':
    'There is no copy on another machine: the system administrator names its mounted folder in [audit] copy_dir.',
  'copy.waiting': 'Configured; waiting for the first signed day.',
  'copy.good': 'The copy on the other machine is complete up to {date}.',
  'copy.failing': 'No copy on the other machine since {since}: {why}',
  'copy.failingNext':
    'Nothing else is affected; what is missing follows by itself. Copied up to {date}.',
  'copy.failingNone':
    'Nothing else is affected; what is missing follows by itself. No day is copied yet.',
  'action.copy_trail': 'copy the trail',
  'copyWhy.unmarked':
    'the folder has no file xunke-trail-copies; it may not be mounted. Mount it.',
  'copyWhy.full': 'its disk is full. Make room on that machine.',
  'copyWhy.unreachable':
    'the folder is not there, does not answer or cannot be written. Check mount, network and rights.',
  'copyWhy.damaged':
    'what was read back does not verify, or an older copy differs. Check the disk of that machine.',
  'copyWhy.broken': 'the trail itself does not verify. See the signed days above.',
  'trail.unmarked': 'no marker; perhaps not mounted',
  'trail.full': 'disk full',
  'trail.unreachable': 'folder not available',
  'trail.damaged': 'read back, does not verify',
  'trail.broken': 'the trail does not verify',
};
