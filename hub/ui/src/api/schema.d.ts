// The hub's API as types, in the shape that `npm run types` generates from openapi.json.
export interface components {
  schemas: {
    PersonName: { id: string; name: string; staff_number: string };
    UnitName: { id: string; name: string };
    Agreement: { state: string; signed_at?: number | null };
    Me: {
      person: components['schemas']['PersonName'];
      roles: string[];
      unit?: components['schemas']['UnitName'] | null;
      agreement: components['schemas']['Agreement'];
      csrf_token: string;
      demo: boolean;
      college: string;
    };
    HomeCard: { key: string; value: number; total?: number | null };
    Home: {
      cards: components['schemas']['HomeCard'][];
      lessons?: components['schemas']['Lesson'][] | null;
    };
    Lesson: {
      id: string;
      course: string;
      teacher: string;
      class_groups: string[];
      period: string;
      start: number;
      end: number;
      due_count: number;
    };
    RoomDevice: { id: string; state: string; since: number };
    RoomSource: { name: string; title: string };
    Room: {
      id: string;
      name: string;
      building: string;
      unit: components['schemas']['UnitName'];
      lesson?: components['schemas']['Lesson'] | null;
      device?: components['schemas']['RoomDevice'] | null;
      sources: components['schemas']['RoomSource'][];
    };
    RoomName: { id: string; name: string };
    Recording: {
      id: string;
      room: components['schemas']['RoomName'];
      unit: components['schemas']['UnitName'];
      lesson?: components['schemas']['Lesson'] | null;
      start: number;
      end: number;
      seconds_recorded: number;
      segments: number;
      state: string;
    };
    Purpose: { kind: string; reason?: string | null };
    Watermark: { name: string; staff_number: string; address: string };
    PlaySegment: {
      id: string;
      source: string;
      start: number;
      duration_ms: number;
      codecs: string;
      truncated: boolean;
    };
    Gap: { start: number; end: number; reason: string };
    Play: {
      play_id: string;
      start: number;
      end: number;
      codecs: { [key: string]: string };
      watermark: components['schemas']['Watermark'];
      segments: components['schemas']['PlaySegment'][];
      gaps: components['schemas']['Gap'][];
    };
    RecordHeader: {
      college: string;
      school_year: string;
      term: number;
      week: number;
      weekday: number;
      period: string;
      class_groups: string[];
      teacher: string;
      time_from: number;
      time_to: number;
      course: string;
      due_count: number;
      room: components['schemas']['RoomName'];
    };
    RecordForm: {
      room: string;
      lesson: string;
      view_id?: string | null;
      class_groups: string[];
      teacher: string;
      course: string;
      time_from: number;
      time_to: number;
      due_count: number;
      present_count: number;
      teacher_presence: string;
      interaction: string;
      conditions: string;
      abnormal_note: string;
      grade: string;
      attendance_note: string;
    };
    PatrolRecord: {
      id: string;
      college: string;
      school_year: string;
      term: number;
      week: number;
      weekday: number;
      period: string;
      room: components['schemas']['RoomName'];
      unit: components['schemas']['UnitName'];
      class_groups: string[];
      teacher: string;
      course: string;
      time_from: number;
      time_to: number;
      due_count: number;
      present_count: number;
      teacher_presence: string;
      interaction: string;
      conditions: string;
      abnormal_note: string;
      grade: string;
      attendance_note: string;
      author: components['schemas']['PersonName'];
      submitted_at: number;
    };
    Device: {
      id: string;
      room: string;
      building: string;
      state: string;
      since: number;
      agent: string;
      health: { [key: string]: unknown };
    };
    Fault: {
      id: string;
      code: string;
      severity: string;
      title_zh: string;
      title_en: string;
      cause_zh: string;
      cause_en: string;
      first_action_zh: string;
      first_action_en: string;
      device: string;
      room: string;
      component: string;
      opened_at: number;
      cleared_at?: number | null;
      evidence: string;
    };
    AuditEntry: {
      seq: number;
      at: number;
      person: string;
      staff_number: string;
      address: string;
      action: string;
      object: string;
      purpose: string;
      outcome: string;
      article?: string | null;
      detail: string;
      hash: string;
    };
    AuditPage: {
      entries: components['schemas']['AuditEntry'][];
      head: { seq: number; hash: string };
      verified: boolean;
    };
  };
}
