// Every screen's main path against a running demo, in one process: a person has one session only,
// and a six-digit code works once, so the tests share each person's browser.
import { after } from 'node:test';
import { stopBrowser } from './campus.js';

// The order matters twice: the IT centre's page is opened before the demo's camera fails, and the
// audit page is read after others were refused.
await import('./flows/it-centre-opens.js');
await import('./flows/sign-in.js');
await import('./flows/live.js');
await import('./flows/wall.js');
await import('./flows/other-way.js');
await import('./flows/refusals.js');
await import('./flows/grants.js');
await import('./flows/agreement.js');
await import('./flows/people.js');
await import('./flows/accounts.js');
await import('./flows/timetable.js');
await import('./flows/records.js');
await import('./flows/recordings.js');
await import('./flows/marks.js');
await import('./flows/it-centre.js');
await import('./flows/alerts.js');
await import('./flows/commands.js');
await import('./flows/desk.js');
await import('./flows/completeness.js');
await import('./flows/audit.js');
await import('./flows/inspection.js');
await import('./flows/cases.js');
await import('./flows/fleet.js');
await import('./flows/first-start.js');
await import('./flows/expired-password.js');

after(stopBrowser);
