// The pages and their addresses; every page but sign-in needs a session.
import { createRouter, createWebHashHistory } from 'vue-router';
import { isExpired, restore } from './session';

// Addresses live after the #, which a browser never sends: a sign-in link's token stays here.
export const router = createRouter({
  history: createWebHashHistory('/'),
  routes: [
    { path: '/sign-in', component: () => import('./pages/SignInPage.vue'), meta: { open: true } },
    { path: '/start', component: () => import('./pages/StartPage.vue'), meta: { open: true } },
    { path: '/password', component: () => import('./pages/PasswordPage.vue') },
    { path: '/link/:token', component: () => import('./pages/LinkPage.vue'), meta: { open: true } },
    {
      path: '/single-sign-on',
      component: () => import('./pages/SingleSignOnPage.vue'),
      meta: { open: true },
    },
    {
      path: '/',
      component: () => import('./parts/PageLayout.vue'),
      children: [
        { path: '', component: () => import('./pages/HomePage.vue') },
        { path: 'live/:room?', component: () => import('./pages/LivePage.vue') },
        { path: 'wall', component: () => import('./pages/WallPage.vue') },
        { path: 'recordings', component: () => import('./pages/RecordingsPage.vue') },
        { path: 'recordings/:id', component: () => import('./pages/PlaybackPage.vue') },
        { path: 'marks', component: () => import('./pages/MarksPage.vue') },
        { path: 'records', component: () => import('./pages/RecordsPage.vue') },
        { path: 'records/:id', component: () => import('./pages/RecordPage.vue') },
        { path: 'applications', component: () => import('./pages/ApplicationsPage.vue') },
        { path: 'openings', component: () => import('./pages/OpeningsPage.vue') },
        { path: 'ledger', component: () => import('./pages/LedgerPage.vue') },
        { path: 'review', component: () => import('./pages/ReviewPage.vue') },
        { path: 'timetable', component: () => import('./pages/TimetablePage.vue') },
        { path: 'people', component: () => import('./pages/PeoplePage.vue') },
        { path: 'people/import', component: () => import('./pages/StaffImportPage.vue') },
        { path: 'agreement', component: () => import('./pages/AgreementPage.vue') },
        { path: 'agreements', component: () => import('./pages/AgreementsPage.vue') },
        { path: 'departures', component: () => import('./pages/DeparturesPage.vue') },
        { path: 'sanctions', component: () => import('./pages/SanctionsPage.vue') },
        { path: 'sign-in-guard', component: () => import('./pages/SignInGuardPage.vue') },
        { path: 'interferences', component: () => import('./pages/InterferencesPage.vue') },
        { path: 'premium', component: () => import('./pages/PremiumPage.vue') },
        { path: 'holds', component: () => import('./pages/HoldsPage.vue') },
        { path: 'exam-locks', component: () => import('./pages/ExamLocksPage.vue') },
        { path: 'completeness', component: () => import('./pages/CompletenessPage.vue') },
        { path: 'destructions', component: () => import('./pages/DestructionsPage.vue') },
        { path: 'papers', component: () => import('./pages/PapersPage.vue') },
        { path: 'desk', component: () => import('./pages/DeskPage.vue') },
        { path: 'checkup', component: () => import('./pages/CheckupPage.vue') },
        { path: 'it', component: () => import('./pages/ItCentrePage.vue') },
        { path: 'alerts/silences', component: () => import('./pages/SilencesPage.vue') },
        { path: 'alerts/duty', component: () => import('./pages/DutyPage.vue') },
        {
          path: 'alerts/work-orders/:id?',
          component: () => import('./pages/WorkOrdersPage.vue'),
        },
        { path: 'alerts/:id?', component: () => import('./pages/AlertsPage.vue') },
        { path: 'fleet', component: () => import('./pages/FleetPage.vue') },
        { path: 'fleet/rooms/:id', component: () => import('./pages/FleetRoomPage.vue') },
        { path: 'channels', component: () => import('./pages/ChannelsPage.vue') },
        { path: 'watchers', component: () => import('./pages/WatchersPage.vue') },
        { path: 'account', component: () => import('./pages/AccountPage.vue') },
        { path: 'risks', component: () => import('./pages/RisksPage.vue') },
        { path: 'inspections', component: () => import('./pages/InspectionsPage.vue') },
        { path: 'inspections/:id', component: () => import('./pages/InspectionPage.vue') },
        { path: 'audit', component: () => import('./pages/AuditPage.vue') },
        { path: ':rest(.*)*', component: () => import('./pages/NotFoundPage.vue') },
      ],
    },
  ],
});

router.beforeEach(async (to) => {
  if (to.meta.open) return true;
  try {
    if (await restore()) {
      if (isExpired() && to.path !== '/password') return '/password';
      return to.path === '/password' && !isExpired() ? '/' : true;
    }
  } catch {
    return { path: '/sign-in', query: { next: to.fullPath, failed: '1' } };
  }
  return { path: '/sign-in', query: to.fullPath === '/' ? {} : { next: to.fullPath } };
});
