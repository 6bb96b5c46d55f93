// The two languages of the pages: Chinese first, English complete by type. A dictionary of our own
// because the content security policy forbids the compilers that translation libraries bring.
import { ref, watch } from 'vue';
import { en } from './en';
import { zh } from './zh';
import type { Refusal } from '../api/model';

export type Locale = 'zh' | 'en';
export type MessageKey = keyof typeof zh;

const STORED = 'xunke.locale';
const dictionaries: Record<Locale, Record<MessageKey, string>> = { zh, en };

export const locale = ref<Locale>('zh');

export function t(key: MessageKey, values: Record<string, string | number> = {}): string {
  return dictionaries[locale.value][key].replace(/\{(\w+)\}/g, (whole, name: string) =>
    name in values ? String(values[name]) : whole,
  );
}

/** The text for a word of the API such as a state or role; the word itself when it is new to us. */
export function tWord(group: string, word: string): string {
  const key = `${group}.${word}`;
  return key in zh ? t(key as MessageKey) : word;
}

/** Every word that a group has, such as all actions of the trail. */
export function words(group: string): string[] {
  const start = `${group}.`;
  const keys = Object.keys(zh).filter((key) => key.startsWith(start));
  return keys.map((key) => key.slice(start.length));
}

/** A refusal's sentence in the language of the page. */
export function tRefusal(refusal: Refusal): string {
  return locale.value === 'zh' ? refusal.zh : refusal.en;
}

/** Reads the stored choice and keeps the page's lang attribute in step. */
export function startLocale(): void {
  if (localStorage.getItem(STORED) === 'en') locale.value = 'en';
  watch(
    locale,
    (value) => {
      localStorage.setItem(STORED, value);
      document.documentElement.lang = value === 'zh' ? 'zh-CN' : 'en';
    },
    { immediate: true },
  );
}
