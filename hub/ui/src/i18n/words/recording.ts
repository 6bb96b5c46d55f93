// Words of when rooms are recorded, and of what was and was not.
export const zh = {
  'action.set_capture': '更改录制方式',
  'action.record_until': '临时录制',
  'device.capture': '录制方式',
  'capture.lessons': '按课表',
  'capture.continuous': '全天',
  'capture.until': '临时录至 {time}',
  'capture.toContinuous': '改为全天录制',
  'capture.toLessons': '改为按课表',
  'capture.record': '临时录制',
  'capture.recordFor': '录 {hours} 小时',
  'capture.about': '{room}：设备几秒内生效。理由写入审计记录。',
} as const;

export const en: Record<keyof typeof zh, string> = {
  'action.set_capture': 'change how a room is recorded',
  'action.record_until': 'record beside the timetable',
  'device.capture': 'Records',
  'capture.lessons': 'in lessons',
  'capture.continuous': 'always',
  'capture.until': 'by order until {time}',
  'capture.toContinuous': 'Record always',
  'capture.toLessons': 'Record in lessons',
  'capture.record': 'Record now',
  'capture.recordFor': 'Record for {hours} h',
  'capture.about': '{room}: takes effect within seconds. The reason goes into the trail.',
};
