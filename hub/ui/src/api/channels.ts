// Requests about channels, by which messages about faults leave the hub.
import { getJson, postJson, request } from './http';
import type { components } from './schema';

type Schemas = components['schemas'];
export type Channel = Schemas['Channel'];
export type ChannelForm = Schemas['ChannelForm'];
export type ChannelSettings = Schemas['ChannelSettings'];
export type ChannelKind = ChannelSettings['kind'];
export type Delivery = Schemas['Delivery'];

const channel = (id: string) => `/api/channels/${encodeURIComponent(id)}`;
export const listChannels = () => getJson<Schemas['ChannelList']>('/api/channels');
export const addChannel = (form: ChannelForm) =>
  postJson<Schemas['ChannelAdded']>('/api/channels', form);
export const changeChannel = (id: string, form: ChannelForm) =>
  request('PUT', channel(id), form);
export const removeChannel = (id: string) => request('DELETE', channel(id));
export const testChannel = (id: string) => request('POST', `${channel(id)}/test`);
export const listDeliveries = async (id: string) =>
  (await getJson<Schemas['DeliveryList']>(`${channel(id)}/deliveries`)).deliveries;
