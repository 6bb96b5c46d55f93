// Starts the pages of the hub.
// First, for it takes the issuer's answer out of the address.
import './single-sign-on';
import { createApp } from 'vue';
import App from './App.vue';
import { whenSignedOut } from './api/http';
import { useElements } from './element';
import { startLocale } from './i18n';
import { router } from './router';
import { forget, me } from './session';
import './styles/page.css';

startLocale();
whenSignedOut(() => {
  // Answers that come in after signing out are about nobody.
  if (!me.value) return;
  const next = router.currentRoute.value.fullPath;
  forget();
  void router.push({ path: '/sign-in', query: { next, ended: '1' } });
});

const app = createApp(App);
useElements(app);
app.use(router).mount('#app');
