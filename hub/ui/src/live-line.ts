// The page's line of live pictures: made the best way that this browser has, and once more the other
// way when a codec turns out to need it.
import { onUnmounted, shallowRef } from 'vue';
import { getMe } from './api/calls';
import { LiveClient } from './player/live-client';
import { missingForLive, wayForLive, type Way } from './player/support';

export function useLiveClient() {
  const missing = missingForLive();
  const way = missing ? null : wayForLive();
  const client = shallowRef<LiveClient | null>(null);

  function make(way: Way): LiveClient {
    const mine: LiveClient = new LiveClient(way, {
      // Asking the hub who one is shows the door when nobody is signed in any more.
      unreachable: () => void getMe().catch(() => {}),
      otherWay: () => {
        // Every tile says so; once is enough.
        if (client.value !== mine) return;
        mine.stop();
        client.value = make('mse');
      },
    });
    return mine;
  }

  if (way) client.value = make(way);
  onUnmounted(() => client.value?.stop());
  return { client, missing };
}
