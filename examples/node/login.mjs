// A login by phone with fetch alone (Node 18 or newer), against dev mode:
//
//   go run ./cmd/dev
//   node examples/node/login.mjs +4915123456789
//
// ask and check are what a backend needs; the rest plays the person.
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";

const api = process.env.OTPIPE_URL ?? "http://127.0.0.1:8080";
const key = process.env.OTPIPE_KEY ?? "dev";

/** What the API refuses: branch on code, never on words. */
class Refused extends Error {
  constructor({ code, detail, retry_after, request_id }) {
    super(`${code}: ${detail} [request ${request_id}]`);
    Object.assign(this, { code, retryAfter: retry_after });
  }
}

/** Posts, and tries again where the answer was lost: with the same key it is the same request. */
async function call(path, body, tries = 3) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json", "idempotency-key": randomUUID() };
  for (let n = 1; ; n++) {
    try {
      const answer = await fetch(api + path, {
        method: "POST", headers, body: JSON.stringify(body), redirect: "error", signal: AbortSignal.timeout(3000),
      });
      const said = await answer.json();
      if (answer.ok) return said;
      if (answer.status !== 503 || n === tries) throw new Refused(said);
    } catch (error) {
      if (error instanceof Refused || n === tries) throw error;
    }
    await new Promise((resume) => setTimeout(resume, 200 * 2 ** n));
  }
}

const ask = (to, binding) => call("/v1/verifications", { namespace: "phone-auth", to, binding });
const check = (to, code, binding) => call("/v1/verifications/check", { namespace: "phone-auth", to, code, binding });

const to = process.argv[2] ?? "+4915123456789";
const binding = randomUUID(); // the id of the browser's session, in a real login
try {
  const started = await ask(to, binding);
  console.log(`a code went to ${started.to_masked}`);
  process.stdout.write("code: ");
  for await (const code of createInterface({ input: process.stdin })) {
    const result = await check(to, code, binding);
    console.log(result.valid ? "signed in" : `not the code, or too old; ${result.checks_left} tries left`);
    if (result.valid || result.checks_left === 0) break;
    process.stdout.write("code: ");
  }
} catch (error) {
  console.error(error instanceof Refused && error.retryAfter ? `please wait for ${error.retryAfter} s` : error.message);
  process.exitCode = 1;
} finally {
  process.stdin.destroy();
}
