// SPDX-License-Identifier: Apache-2.0
// An identity provider to try logins with: OpenID Connect by the npm package oidc-provider. It
// accepts any name and password, keeps everything in memory, and is for loopback only.
//
// usage: node provider.mjs --port 9010 --keys keys.json [--redirect http://127.0.0.1/callback]
//
//   --port      where it listens, on 127.0.0.1; also in its issuer, http://127.0.0.1:PORT
//   --keys      its private keys, as a JWKS; made when it is not there
//   --redirect  where logins of its one client, `shop`, come back to; any port will do
//
// Signals, so that keys can be changed while it runs:
//   USR2  makes a new key, which signs from now on; the old ones stay published
//   HUP   forgets all keys but the newest
//
// Access tokens are JWTs for what the `resource` parameter names: urn:example:NAME gives one whose
// audience is NAME.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { parseArgs } from 'node:util';
import Provider from 'oidc-provider';

const { values: options } = parseArgs({
  options: {
    port: { type: 'string' },
    keys: { type: 'string' },
    redirect: { type: 'string', default: 'http://127.0.0.1/callback' },
  },
});
if (!options.port || !options.keys) {
  console.error('usage: node provider.mjs --port PORT --keys FILE [--redirect URL]');
  process.exit(2);
}

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = randomBytes(6).toString('hex');
  return { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' };
}

// The newest key comes first: it signs.
function loadKeys() {
  return existsSync(options.keys) ? JSON.parse(readFileSync(options.keys, 'utf8')).keys : [];
}
function saveKeys(keys) {
  writeFileSync(`${options.keys}.new`, JSON.stringify({ keys }), { mode: 0o600 });
  renameSync(`${options.keys}.new`, options.keys);
  return keys;
}

const PREFIX = 'urn:example:';
const issuer = `http://127.0.0.1:${options.port}`;
const cookieKeys = [randomBytes(32).toString('hex')];
const groups = { ann: ['staff', 'buyers'], joe: ['buyers'] };

const settings = {
  clients: [
    {
      client_id: 'shop',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      response_types: ['code'],
      redirect_uris: [options.redirect],
    },
  ],
  cookies: { keys: cookieKeys },
  features: {
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (ctx, resource) => ({
        scope: 'orders.read orders.write',
        audience: resource.startsWith(PREFIX) ? resource.slice(PREFIX.length) : resource,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 3600,
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  extraTokenClaims: (ctx, token) => ({ groups: groups[token.accountId] ?? [] }),
  pkce: { required: () => true },
};

// All providers of this process share what is in memory: sessions outlive a change of keys.
function handler(keys) {
  return new Provider(issuer, { ...settings, jwks: { keys } }).callback();
}

let keys = loadKeys();
if (keys.length === 0) {
  keys = saveKeys([newKey()]);
}
let handle = handler(keys);
const use = (changed) => {
  keys = saveKeys(changed);
  handle = handler(keys);
  console.log(`keys: ${keys.map((key) => key.kid).join(' ')}`);
};
process.on('SIGUSR2', () => use([newKey(), ...keys]));
process.on('SIGHUP', () => use(keys.slice(0, 1)));
http
  .createServer((request, response) => handle(request, response))
  .listen(Number(options.port), '127.0.0.1', () => console.log(`${issuer} is ready`));
