// For everybody: by keys alone, on a phone, in both colour schemes, with a screen reader's needs; and when the node is gone.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, afterEach, before } from 'node:test';
import { Stage, start_crowd, test } from './harness.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const phone = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };

let stage;
before(async () => { stage = await Stage.open(() => start_crowd(200)); });
afterEach(() => stage.clear());
after(() => stage?.close());

const tell = (path) => fetch(new URL(path, stage.node.url)).then((answer) => answer.text());

/** Goes through all that there is to see, and looks at each. */
async function tour(page, look) {
  await tell('crash');
  await page.locator('.plot').nth(5).waitFor();
  await page.locator('.restart').first().waitFor();
  await look('overview');
  await page.goto(new URL('console/#processes', stage.node.url).href);
  await page.locator('#list-rows tr').nth(49).waitFor();
  await look('processes');
  await page.getByLabel(/^Find processes/).fill('specimen');
  await page.locator('#list-range').filter({ hasText: '1–1 of 1' }).waitFor();
  await page.locator('#list-rows tr[data-name="specimen"] a').click();
  await page.getByRole('button', { name: 'Read the state' }).click();
  await page.locator('#state code').waitFor();
  await page.getByRole('button', { name: 'Start the trace' }).click();
  await page.locator('.event').first().waitFor();
  await look('process');
  await page.getByRole('button', { name: 'Kill' }).click();
  await look('question');
  await page.keyboard.press('Escape');
  await page.goto(new URL('console/#tree', stage.node.url).href);
  await page.locator('#rows tr').nth(6).waitFor();
  await look('tree');
  await page.goto(new URL('console/#reports', stage.node.url).href);
  await page.locator('.report summary').first().click();
  await look('reports');
  await page.locator('#help-button').click();
  await look('help');
}

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds nothing wrong in ${colorScheme}`, async () => {
    const { page } = await stage.console({ colorScheme, reducedMotion: 'reduce', bypassCSP: true }, 'overview');
    await tour(page, async (where) => {
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => window.axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
      assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).slice(0, 3)}`), [], where);
    });
  });
}

test('a phone of 360 pixels shows all without a scroll to the side, with room for fingers', async () => {
  const { page } = await stage.console(phone, 'overview');
  await tour(page, async (where) => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${where}: ${wide} px too wide`);
    const tight = await page.evaluate(() => [...document.querySelectorAll('button, a, input, select, summary')]
      .filter((node) => node.checkVisibility() && !node.matches('.skip, .hidden *, input[type="checkbox"], .name'))
      .map((node) => [node, node.getBoundingClientRect()])
      .filter(([, box]) => box.height > 0 && box.height < 43.5)
      .map(([node, box]) => `${node.outerHTML.slice(0, 90)} ${Math.round(box.width)}x${Math.round(box.height)}`));
    assert.deepEqual(tight.slice(0, 5), [], where);
  });
});

test('all is done by keys alone', async () => {
  const { page } = await stage.console({}, 'overview');
  await page.locator('#connection[data-state="live"]').waitFor();
  const focus = () => page.evaluate(() => {
    const node = document.activeElement;
    const style = getComputedStyle(node);
    return { id: node.id, text: node.textContent, seen: style.outlineStyle !== 'none' };
  });
  await page.keyboard.press('Tab');
  assert.equal((await focus()).text, 'Skip to the content');
  await page.keyboard.press('Enter');
  assert.equal((await focus()).id, 'main');
  await page.keyboard.press('2');
  await page.locator('#list-rows tr').first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('specimen');
  await page.locator('#list-range').filter({ hasText: '1–1 of 1' }).waitFor();
  await page.keyboard.press('ArrowDown');
  const row = await focus();
  assert.equal(row.text, 'specimen');
  assert.equal(row.seen, true);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'specimen', level: 2 }).waitFor();
  await page.locator('#read-state').waitFor();
  await page.keyboard.press('s');
  await page.locator('#state code').waitFor();
  await page.keyboard.press('t');
  await page.locator('.event').first().waitFor();
  await page.keyboard.press('t');
  await page.getByText('Stopped.').waitFor();
  await page.keyboard.press('Delete');
  await page.getByRole('dialog', { name: 'Kill this process?' }).waitFor();
  assert.equal((await focus()).text, 'Cancel');
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('3');
  const fragile = page.locator('#rows tr[data-name="fragile"]');
  await fragile.waitFor();
  for (let steps = 0; !(await fragile.evaluate((node) => node === document.activeElement)); steps += 1) {
    assert.ok(steps < 60, 'the row is not reached');
    await page.keyboard.press(steps === 0 || !(await page.evaluate(() => document.activeElement.closest('#rows'))) ? 'Tab' : 'ArrowDown');
  }
  const pid = await fragile.getAttribute('data-pid');
  await page.keyboard.press('Delete');
  await page.getByRole('dialog', { name: 'Kill this process?' }).waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator(`#rows tr[data-name="fragile"]:not([data-pid="${pid}"])`).waitFor();
});

test('Tab comes to one row of the list and one of the tree', async () => {
  const { page } = await stage.console({}, 'processes');
  await page.locator('#list-rows tr').nth(49).waitFor();
  assert.equal(await page.locator('#list-rows [tabindex="0"]').count(), 1);
  await page.locator('#list-rows a[tabindex="0"]').focus();
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowUp');
  assert.equal(await page.evaluate(() => [...document.querySelectorAll('#list-rows a')].indexOf(document.activeElement)), 48);
  assert.equal(await page.locator('#list-rows [tabindex="0"]').count(), 1);
  await page.keyboard.press('PageDown');
  await page.locator('#list-range').filter({ hasText: /^51–100/ }).waitFor();
});

test('single keys can be turned off, and that is kept', async () => {
  const { page } = await stage.console({}, 'overview');
  await page.locator('#connection[data-state="live"]').waitFor();
  await page.keyboard.press('?');
  await page.getByLabel('Single keys do something').uncheck();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.keyboard.press('2');
  await page.reload();
  await page.locator('#connection[data-state="live"]').waitFor();
  await page.keyboard.press('2');
  assert.equal(new URL(page.url()).hash, '#overview');
});

test('the colours follow the system until told otherwise, and what was told is kept', async () => {
  const { page } = await stage.console({ colorScheme: 'dark' }, 'overview');
  const dark = () => page.evaluate(() => Number(/\d+/.exec(getComputedStyle(document.body).backgroundColor)[0]) < 128);
  assert.equal(await dark(), true);
  await page.getByRole('button', { name: 'Colours: as the system' }).click();
  await page.getByRole('button', { name: 'Colours: light' }).waitFor();
  assert.equal(await dark(), false);
  await page.reload();
  await page.getByRole('button', { name: 'Colours: light' }).waitFor();
  assert.equal(await dark(), false);
});

test('a lost connection is said, and comes back by itself', async () => {
  const own = await Stage.open(() => start_crowd(1));
  try {
    const { page } = await own.console({}, 'overview');
    await page.locator('.plot').first().waitFor();
    // Open WebSockets outlive the browser's offline mode: the node ends this one, there is no other.
    await page.getByRole('navigation').getByRole('link', { name: 'Processes' }).click();
    await page.getByLabel(/^Find processes/).fill('console:feed');
    await page.locator('#list-rows tr[data-name="console:feed"] a').click();
    await page.locator('#process-title').filter({ hasText: 'console:feed' }).waitFor();
    const pid = await page.locator('.process-titles .pid').textContent();
    const token = await page.locator('meta[name="coppice-token"]').getAttribute('content');
    await page.context().setOffline(true);
    const url = new URL('console/api/kill', own.node.url);
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ pid }),
      headers: { 'Content-Type': 'application/json', 'X-Coppice-Token': token } });
    assert.equal(answer.status, 200);
    await page.locator('#lost').filter({ hasText: 'No connection to the node' }).waitFor();
    await page.locator('#connection').filter({ hasText: 'Reconnecting' }).waitFor();
    await page.context().setOffline(false);
    await page.locator('#connection[data-state="live"]').waitFor();
    await page.locator('#lost').waitFor({ state: 'hidden' });
    await page.getByText('This process has ended.').waitFor();
    await own.clear();
  } finally {
    await own.close();
  }
});
