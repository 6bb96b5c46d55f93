// A school's issuer for the tests: a certified OpenID provider with one account, on loopback.
// node issuer.js FILE, a JSON file with port, certificate, key, client_id, client_secret,
// redirect_uri and staff_number. Says "ready" when it listens.
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import Provider from 'oidc-provider';

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const SUBJECT = 'u-4711';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const signing = { ...privateKey.export({ format: 'jwk' }), kid: 'test-1', use: 'sig', alg: 'RS256' };

const provider = new Provider(`https://localhost:${settings.port}`, {
  clients: [
    {
      client_id: settings.client_id,
      client_secret: settings.client_secret,
      redirect_uris: [settings.redirect_uri],
      response_types: ['code'],
      grant_types: ['authorization_code'],
    },
  ],
  jwks: { keys: [signing] },
  cookies: { keys: ['only for tests'] },
  pkce: { required: () => true, methods: ['S256'] },
  acrValues: ['mfa'],
  features: { devInteractions: { enabled: false } },
  // What the hub reads stands in the ID token.
  conformIdTokenClaims: false,
  claims: { acr: null, amr: null, auth_time: null, iss: null, openid: ['sub', 'staff_number', 'acr', 'amr'] },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, staff_number: settings.staff_number }),
  }),
  // The school's own service: nobody is asked for consent.
  async loadExistingGrant(ctx) {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope('openid');
    await grant.save();
    return grant;
  },
});

const FORM = `<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>统一身份认证</title>
<form method="post"><h1>统一身份认证</h1><button name="answer" value="yes">登录</button>
<button name="answer" value="no">取消</button></form></html>`;

// One page of our own: who presses the button is who it is.
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next();
  await provider.interactionDetails(ctx.req, ctx.res);
  if (ctx.method === 'GET') {
    ctx.type = 'html';
    ctx.body = FORM;
    return;
  }
  let body = '';
  for await (const chunk of ctx.req) body += chunk;
  const yes = new URLSearchParams(body).get('answer') === 'yes';
  const result = yes
    ? { login: { accountId: SUBJECT, acr: 'mfa', amr: ['pwd', 'otp'] } }
    : { error: 'access_denied', error_description: 'cancelled' };
  await provider.interactionFinished(ctx.req, ctx.res, result);
});

const tls = { cert: settings.certificate, key: settings.key };
createServer(tls, provider.callback()).listen(settings.port, '127.0.0.1', () => {
  console.log('ready');
});
