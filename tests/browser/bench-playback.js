// Measures click to first picture and seek to first picture in a long lesson, as the page shows it
// and as a plain file over HTTP shows the same pictures. Says `playing` and plays on for a minute,
// then prints one JSON line with samples in milliseconds. Arguments: when the lesson began, and
// the plain file.
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { account, givePurpose, newPage, pageAs, stopBrowser, visit } from './campus.js';

const CLICKS = 12;
const SEEKS = 30;
const PLAYS_MS = 75_000;
/** A picture this close to the wanted second is the wanted one. */
const NEAR_SECONDS = 2.5;
const CHINA_MS = 8 * 3_600_000;

const [startMs, plainFile] = [Number(process.argv[2]), process.argv[3]];
const day = new Date(startMs + CHINA_MS).toISOString().slice(0, 10);

/** Places all over the lesson, the same in each run, never near each other. */
const places = Array.from({ length: SEEKS }, (_, i) => 0.02 + 0.95 * ((i * 0.618034) % 1));

/** Does `act`, in which the page notes `began`, and waits until a picture near `seconds`, or any, is
 * on the screen; milliseconds. */
async function toPicture(page, act, seconds = null) {
  await page.evaluate(
    ([seconds, near]) => {
      delete window.began;
      const isWanted = (at) => seconds === null || Math.abs(at - seconds) < near;
      window.shown = (async () => {
        for (;;) {
          const video = document.querySelector('video');
          if (!video || window.began === undefined) {
            await new Promise(requestAnimationFrame);
            continue;
          }
          const at = await new Promise((done) => {
            video.requestVideoFrameCallback((_, frame) => done(frame.mediaTime));
          });
          if (isWanted(at)) return performance.now() - window.began;
        }
      })();
    },
    [seconds, NEAR_SECONDS],
  );
  await act();
  return page.evaluate(() => window.shown);
}

/** From now on the page notes when somebody presses a button of the mouse. */
function noteClicks(page) {
  return page.evaluate(() => {
    addEventListener('pointerdown', () => (window.began = performance.now()), true);
  });
}

async function ours() {
  const page = await pageAs(account('school_supervisor'));
  await visit(page, `/recordings?date=${day}`);
  const link = () => page.getByTestId('recordings').getByRole('link').first();
  await link().waitFor();
  await link().click();
  await givePurpose(page);
  await page.waitForFunction(() => document.querySelector('video')?.currentTime > 0.3);
  await noteClicks(page);
  const seen = { click: [], seek: [] };
  for (let number = 0; number < CLICKS; number += 1) {
    await page.goBack();
    await link().waitFor();
    await page.waitForTimeout(500);
    seen.click.push(await toPicture(page, () => link().click()));
    await page.waitForTimeout(700);
  }
  const seconds = await page.evaluate(() => document.querySelector('video').duration);
  for (const place of places) {
    const strip = await page.getByTestId('strip').boundingBox();
    const click = () => page.mouse.click(strip.x + strip.width * place, strip.y + strip.height / 2);
    seen.seek.push(await toPicture(page, click, place * seconds));
    await page.waitForTimeout(700);
  }
  await page.evaluate(() => document.querySelector('video').play());
  console.log('playing');
  await page.waitForTimeout(PLAYS_MS);
  await page.close();
  return seen;
}

/** A server of one file and of the page that shows it, with ranges as web servers do. */
function serve(file) {
  const size = statSync(file).size;
  const server = createServer((request, response) => {
    if (!request.url.endsWith('.mp4')) {
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><body></body>');
      return;
    }
    const range = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? 'bytes=0-');
    const [from, to] = [Number(range[1]), range[2] ? Number(range[2]) : size - 1];
    response.writeHead(206, {
      'content-type': 'video/mp4',
      'accept-ranges': 'bytes',
      'content-range': `bytes ${from}-${to}/${size}`,
      'content-length': to - from + 1,
    });
    const stream = createReadStream(file, { start: from, end: to });
    response.on('close', () => stream.destroy());
    stream.pipe(response);
  });
  return new Promise((done) => {
    server.listen(0, '127.0.0.1', () => done(server));
  });
}

async function theirs() {
  const server = await serve(plainFile);
  const page = await newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.mouse.click(5, 5);
  const seen = { plain_click: [], plain_seek: [] };
  for (let number = 0; number < CLICKS; number += 1) {
    const open = (number) => {
      window.began = performance.now();
      const video = document.createElement('video');
      document.body.replaceChildren(video);
      video.src = `/${number}.mp4`;
      void video.play();
    };
    seen.plain_click.push(await toPicture(page, () => page.evaluate(open, number)));
    await page.waitForTimeout(700);
  }
  const seconds = await page.evaluate(() => document.querySelector('video').duration);
  for (const place of places) {
    const seek = (to) => {
      window.began = performance.now();
      document.querySelector('video').currentTime = to;
    };
    const to = place * seconds;
    seen.plain_seek.push(await toPicture(page, () => page.evaluate(seek, to), to));
    await page.waitForTimeout(700);
  }
  await page.close();
  server.close();
  server.closeAllConnections();
  return seen;
}

const seen = { ...(await ours()), ...(await theirs()) };
await stopBrowser();
console.log(JSON.stringify(seen));
