// The console with ten thousand processes: found, sorted, paged, and neither the page nor its frames grow.
import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';
import { Stage, start_crowd, test } from './harness.js';

const crowd = 10_000;
const most_nodes = 4_000; // of which a row of the tree has some twenty
const most_bytes = 64 * 1024;

let stage;
before(async () => { stage = await Stage.open(() => start_crowd(crowd)); });
afterEach(() => stage.clear());
after(() => stage?.close());

/** A console whose frames are measured. */
async function measured(view, options) {
  const page = await stage.page('', options);
  const frames = [];
  page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => frames.push(payload.length)));
  await page.goto(new URL(`console/#${view}`, stage.node.url).href);
  await page.locator('#connection[data-state="live"]').waitFor();
  return { page, frames, nodes: () => page.evaluate(() => document.querySelectorAll('*').length) };
}

/** Waits until so many more frames have come: what is shown has been drawn that often. */
async function after_frames(frames, count, page) {
  const from = frames.length;
  while (frames.length < from + count) await page.waitForEvent('websocketframe', { timeout: 1 }).catch(() => page.evaluate(() => new Promise(requestAnimationFrame)));
}

const names = (page) => page.locator('#list-rows tr').evaluateAll((rows) => rows.map((row) => row.dataset.name));
const figures = (page, of) => page.locator(`#list-rows td.${of}`).evaluateAll((cells) => cells.map((cell) => cell.textContent));

test('the list shows one part of all, and the page stays small in all views', async () => {
  const { page, frames, nodes } = await measured('processes');
  await page.locator('#list-range').filter({ hasText: /^1–50 of 10,0\d\d$/ }).waitFor();
  assert.equal(await page.locator('#list-rows tr').count(), 50);
  for (const view of ['Tree', 'Overview', 'Reports', 'Processes']) {
    await page.getByRole('navigation').getByRole('link', { name: view, exact: true }).click();
    await after_frames(frames, 3, page);
    assert.ok(await nodes() < most_nodes, `${await nodes()} nodes in ${view}`);
  }
  assert.ok(Math.max(...frames) < most_bytes, `a frame of ${Math.max(...frames)} bytes`);
});

test('pages are turned, and every process up to the ten thousandth is reached', async () => {
  const { page } = await measured('processes');
  await page.getByRole('button', { name: 'Next' }).click();
  await page.locator('#list-range').filter({ hasText: /^51–100 of/ }).waitFor();
  const second = await names(page);
  await page.getByRole('button', { name: 'Previous' }).click();
  await page.locator('#list-range').filter({ hasText: /^1–50 of/ }).waitFor();
  assert.equal((await names(page)).length, 50);
  assert.equal(second.length, 50);
  assert.equal(await page.getByRole('button', { name: 'Previous' }).isDisabled(), true);
});

test('the longest mailbox comes first, and any figure can be sorted by, both ways', async () => {
  const { page } = await measured('processes');
  await page.locator('#list-rows tr').first().filter({ hasText: 'loaded' }).waitFor();
  assert.equal((await figures(page, 'mailbox'))[0], '1,234');
  await page.getByRole('button', { name: 'Busy/s' }).click();
  await page.getByRole('columnheader', { name: 'Busy/s' }).and(page.locator('[aria-sort="descending"]')).waitFor();
  await page.locator('#list-rows tr').filter({ hasText: 'talker' }).first().waitFor();
  await page.getByRole('button', { name: 'Reductions' }).click();
  await page.getByRole('button', { name: 'Reductions' }).click();
  await page.getByRole('columnheader', { name: 'Reductions' }).and(page.locator('[aria-sort="ascending"]')).waitFor();
  await page.waitForFunction(() => {
    const all = [...document.querySelectorAll('#list-rows td.reductions')].map((cell) => Number(cell.textContent.replaceAll(',', '')));
    return all.length === 50 && all[0] <= 1 && all.every((n, at) => at === 0 || all[at - 1] <= n);
  });
});

test('one of ten thousand is found by name, by pid, and by behaviour', async () => {
  const { page } = await measured('processes');
  const find = page.getByLabel(/^Find processes/);
  await find.fill('SPECI');
  await page.locator('#list-range').filter({ hasText: '1–1 of 1' }).waitFor();
  assert.deepEqual(await names(page), ['specimen']);
  const pid = await page.locator('#list-rows tr').getAttribute('data-pid');
  await find.fill(pid);
  await page.locator('#list-range').filter({ hasText: '1–1 of 1' }).waitFor();
  await find.fill('supervisor');
  await page.locator('#list-range').filter({ hasText: '1–2 of 2' }).waitFor();
  assert.deepEqual((await names(page)).slice().sort(), ['console_sup', 'root_sup']);
  await find.fill('nobody at all');
  await page.getByText(/^None of 10,0\d\d processes matches\.$/).waitFor();
  await find.press('Escape');
  await page.locator('#list-range').filter({ hasText: /^1–50 of/ }).waitFor();
});

test('a list that is held stands still until it is let go', async () => {
  const { page, frames } = await measured('processes');
  await page.getByRole('button', { name: 'Busy/s' }).click();
  await page.locator('#list-rows tr').filter({ hasText: 'talker' }).first().waitFor();
  await page.getByRole('button', { name: 'Hold still' }).click();
  const before = await page.locator('#list-rows').innerHTML();
  await after_frames(frames, 3, page);
  assert.equal(await page.locator('#list-rows').innerHTML(), before);
  await page.getByRole('button', { name: 'Hold still' }).click();
  await page.waitForFunction((html) => document.getElementById('list-rows').innerHTML !== html, before);
});

test('the tree shows a hundred of a process\'s ten thousand, and more when told', async () => {
  const { page } = await measured('tree');
  await page.locator('#rows tr[data-name="crowd"]').getByRole('button', { name: 'Close crowd' }).waitFor(); // open from the start
  await page.locator('#rows tr.more').filter({ hasText: /^100 of 10,001 shown/ }).waitFor();
  await page.getByRole('button', { name: 'Show more' }).click();
  await page.locator('#rows tr.more').filter({ hasText: /^300 of 10,001 shown/ }).waitFor();
});

test('the history is there after a reload', async () => {
  const { page, frames } = await measured('overview');
  await page.locator('.plot').first().waitFor();
  await after_frames(frames, 3, page);
  const points = () => page.locator('.plot path.line').first().evaluate((line) => (line.getAttribute('d').match(/[ML]/g) ?? []).length);
  const before = await points();
  assert.ok(before >= 3, `${before} points`);
  await page.reload();
  await page.locator('.plot').first().waitFor();
  assert.ok(await points() >= before, `${await points()} points after the reload, ${before} before`);
});
