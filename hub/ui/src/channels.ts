// What is typed about a channel, and the form that goes to the hub.
import type { Channel, ChannelForm, ChannelKind, ChannelSettings } from './api/channels';

export const KINDS: ChannelKind[] = ['smtp', 'wecom', 'dingtalk', 'feishu', 'sms', 'webhook'];
export const SEVERITIES = ['warning', 'minor', 'major', 'critical'];

/** As typed: lists are lines of text, and what stays empty of the secrets keeps the stored one. */
export interface ChannelDraft {
  kind: ChannelKind;
  name: string;
  enabled: boolean;
  severity_min: string;
  language: string;
  period_hours: number;
  address: string;
  secret: string;
  host: string;
  port: number;
  security: string;
  user: string;
  from: string;
  to: string;
  method: string;
  gateway: string;
  headers: string;
  body: string;
  body_kind: string;
  success_at: string;
  success_is: string;
  phones: string;
  day_max: number;
}

/** A new channel; a short message costs money and wakes people, so it begins with the worst. */
export function blank(kind: ChannelKind): ChannelDraft {
  return {
    kind,
    name: '',
    enabled: true,
    severity_min: kind === 'sms' ? 'critical' : 'major',
    language: 'zh',
    period_hours: 25,
    address: '',
    secret: '',
    host: '',
    port: 587,
    security: 'starttls',
    user: '',
    from: '',
    to: '',
    method: 'post',
    gateway: 'https://',
    headers: '',
    body: '{"mobiles": "{{phones}}", "content": "{{text}}"}',
    body_kind: 'json',
    success_at: '/code',
    success_is: '0',
    phones: '',
    day_max: 50,
  };
}

/** A channel that there is, to be changed; its secrets are not known here. */
export function draftOf(channel: Channel): ChannelDraft {
  const { name, enabled, severity_min, language, period_hours, settings } = channel;
  const draft = { ...blank(settings.kind), name, enabled, severity_min, language, period_hours };
  if (settings.kind === 'smtp') {
    const { host, port, security, user, from, to } = settings;
    return { ...draft, host, port, security, user, from, to: to.join('\n') };
  }
  if (settings.kind === 'sms') {
    const { method, body, body_kind, success_at, success_is, day_max } = settings;
    const headers = settings.headers.map(({ name, value }) => `${name}: ${value}`).join('\n');
    const [gateway, phones] = [settings.address, settings.phones.join('\n')];
    const own = { method, body, body_kind, success_at, success_is, day_max };
    return { ...draft, ...own, gateway, headers, phones };
  }
  return draft;
}

/** What goes to the hub. */
export function formOf(draft: ChannelDraft): ChannelForm {
  const { name, enabled, severity_min, language, period_hours } = draft;
  const typed = (text: string) => text.trim() || undefined;
  return {
    name,
    enabled,
    severity_min,
    language,
    period_hours,
    settings: settingsOf(draft),
    address: hasAddress(draft.kind) ? typed(draft.address) : undefined,
    secret: typed(draft.secret),
  };
}

/** Robots and webhooks: the address is a secret of itself. */
export function hasAddress(kind: ChannelKind): boolean {
  return kind !== 'smtp' && kind !== 'sms';
}

/** Everything but WeCom has a password, a key or a token beside its address. */
export function hasSecret(kind: ChannelKind): boolean {
  return kind !== 'wecom';
}

function settingsOf(draft: ChannelDraft): ChannelSettings {
  const { kind } = draft;
  if (kind === 'smtp') {
    const { host, port, security, user, from } = draft;
    return { kind, host, port, security, user, from, to: lines(draft.to) };
  }
  if (kind === 'sms') {
    const { method, body, body_kind, success_at, success_is, day_max } = draft;
    const headers = lines(draft.headers).map(header);
    const [address, phones] = [draft.gateway.trim(), lines(draft.phones)];
    const own = { method, body, body_kind, success_at, success_is, day_max };
    return { kind, ...own, address, headers, phones };
  }
  return { kind };
}

/** The lines of a text, without empty ones; commas and semicolons part them too. */
export function lines(text: string): string[] {
  const parts = text.includes(': ') ? text.split('\n') : text.split(/[\n,;，；、]/);
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

function header(line: string): { name: string; value: string } {
  const at = line.indexOf(':');
  if (at < 0) return { name: line, value: '' };
  return { name: line.slice(0, at).trim(), value: line.slice(at + 1).trim() };
}
