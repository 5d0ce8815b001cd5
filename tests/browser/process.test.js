// One process: what there is to know of it, its state, its trace, its end; and restarts over time.
import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';
import { Stage, start_crowd, test } from './harness.js';

let stage;
before(async () => { stage = await Stage.open(() => start_crowd(20)); });
afterEach(() => stage.clear());
after(() => stage?.close());

async function look_at(name) {
  const { page } = await stage.console({}, 'processes');
  await page.getByLabel(/^Find processes/).fill(name);
  await page.locator(`#list-rows tr[data-name="${name}"] a`).click();
  await page.getByRole('heading', { name, exact: true, level: 2 }).waitFor();
  return page;
}

const fact = (page, of) => page.locator(`.facts-list [data-of="${of}"]`);
const tell = (path) => fetch(new URL(path, stage.node.url)).then((answer) => answer.text());

test('a process tells what it is, what it does and whom it knows', async () => {
  const page = await look_at('specimen');
  await fact(page, 'kind').filter({ hasText: 'gen_server' }).waitFor();
  await fact(page, 'module').filter({ hasText: 'specimen' }).waitFor();
  await fact(page, 'trap_exit').filter({ hasText: 'no' }).waitFor();
  await fact(page, 'priority').filter({ hasText: 'normal' }).waitFor();
  await fact(page, 'reductions').filter({ hasText: /^[1-9][\d,]*$/ }).waitFor();
  await fact(page, 'age').filter({ hasText: /^\d+ s|min/ }).waitFor();
  await page.locator('[data-of="links"]').getByRole('link', { name: 'root_sup' }).waitFor();
  await page.locator('.ancestors').getByRole('link', { name: 'root_sup' }).click();
  await page.getByRole('heading', { name: 'root_sup', level: 2 }).waitFor();
  await fact(page, 'trap_exit').filter({ hasText: 'yes' }).waitFor();
  await page.goBack();
  await page.getByRole('heading', { name: 'specimen', level: 2 }).waitFor();
});

test('a mailbox shows its length and the types of what is first in it', async () => {
  const page = await look_at('loaded');
  await fact(page, 'mailbox').filter({ hasText: '1,234 waiting' }).waitFor();
  const types = page.locator('[data-of="messages"] code');
  await types.nth(9).waitFor();
  assert.match(await types.first().textContent(), /parcel/);
  await page.locator('[data-of="messages"]').getByText('and so on').waitFor();
});

test('the state is read when asked for, as a term', async () => {
  const page = await look_at('specimen');
  assert.equal(await page.locator('#state').isVisible(), false);
  await page.getByRole('button', { name: 'Read the state' }).click();
  await page.locator('#state').filter({ hasText: 'open sesame' }).waitFor();
  assert.match(await page.locator('#state').textContent(), /^#\{\n {2}last => <<"the talker">>,\n/);
  await page.getByRole('button', { name: 'Read it again' }).waitFor();
});

test('a process that does not answer is said to be so, and holds up nobody', async () => {
  const page = await look_at('sleeper');
  await page.getByRole('button', { name: 'Read the state' }).click();
  await page.getByText(/^It has not answered within 3 seconds/).waitFor();
  await fact(page, 'status').filter({ hasText: 'waiting' }).waitFor();
});

test('a plain process keeps its state to itself', async () => {
  const page = await look_at('loaded');
  await page.getByText(/^A plain process keeps its state/).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Read the state' }).isVisible(), false);
});

test('a process in the middle of something is told from one that waits', async () => {
  const page = await look_at('stuck');
  await tell('stick');
  await page.locator('#process-notice').filter({ hasText: /It has been running for \d+ s without a pause/ }).waitFor();
  await fact(page, 'status').filter({ hasText: 'running' }).waitFor();
  await tell('release');
  await page.locator('#process-notice').waitFor({ state: 'hidden' });
});

test('a trace shows messages as they come, and ends when told, and when one leaves', async () => {
  const page = await look_at('specimen');
  await page.getByRole('button', { name: 'Start the trace' }).click();
  await page.locator('.event.receive').filter({ hasText: '{greet,<<"the talker">>}' }).first().waitFor();
  await page.locator('.event.send').filter({ hasText: 'talker' }).first().waitFor();
  await page.getByRole('button', { name: 'Stop the trace' }).click();
  await page.getByText('Stopped.').waitFor();
  await page.getByRole('button', { name: 'Start the trace' }).click();
  await page.getByRole('button', { name: 'Stop the trace' }).waitFor();
  const other = await look_at('specimen'); // one page may trace it at a time
  await other.getByRole('button', { name: 'Start the trace' }).click();
  await other.getByText('Another page traces it.').waitFor();
  await page.getByRole('link', { name: 'All processes' }).click();
  await page.getByRole('heading', { name: 'Processes' }).waitFor();
  await page.locator('#list-rows tr').first().waitFor();
  await other.getByRole('button', { name: 'Start the trace' }).click();
  await other.locator('.event').first().waitFor();
});

test('a kill asks first, can be called off, and shows who comes after', async () => {
  const page = await look_at('fragile');
  const before = await page.locator('.process-titles .pid').textContent();
  await page.getByRole('button', { name: 'Kill' }).click();
  const question = page.getByRole('dialog', { name: 'Kill this process?' });
  await question.getByText(before).waitFor();
  await question.getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await page.locator('.process-titles .pid').textContent(), before);
  await page.getByRole('button', { name: 'Kill' }).click();
  await question.getByRole('button', { name: 'Kill', exact: true }).click();
  await page.getByText('This process has ended. In its place now stands').waitFor();
  await page.locator('#process-notice a').click();
  await page.getByRole('heading', { name: 'fragile', level: 2 }).waitFor();
  assert.notEqual(await page.locator('.process-titles .pid').textContent(), before);
});

test('restarts stand on the timeline with who, when and why, and lead to the report', async () => {
  const { page } = await stage.console({}, 'overview');
  await tell('crash');
  const restart = page.locator('.restart').filter({ hasText: 'broken on purpose' }).first();
  await restart.filter({ hasText: 'fragile' }).filter({ hasText: 'restarted by root_sup' }).waitFor();
  await page.locator('.lane').filter({ hasText: 'root_sup' }).locator('.mark.restarted').first().waitFor({ state: 'attached' });
  await restart.getByRole('link', { name: 'Report on fragile' }).click();
  await page.locator('.report details[open]').filter({ hasText: 'broken on purpose' }).waitFor();
});

test('a plot tells its figures to the keyboard', async () => {
  const { page } = await stage.console({}, 'overview');
  const plot = page.getByRole('slider', { name: 'Processes' });
  await plot.focus();
  await page.waitForFunction(() => document.querySelectorAll('.plot path.line')[1]?.getAttribute('d').includes('L'));
  await page.keyboard.press('ArrowLeft');
  assert.match(await plot.getAttribute('aria-valuetext'), /^\d\d:\d\d:\d\d.*: \d+$/);
  await plot.locator('.cross[visibility="visible"]').waitFor({ state: 'attached' });
});

test('a node that was told to hide states shows neither them nor messages', async () => {
  const hiding = await Stage.open(() => start_crowd(1, ['--hide-state']));
  try {
    const { page } = await hiding.console({}, 'processes');
    await page.getByLabel(/^Find processes/).fill('specimen');
    await page.locator('#list-rows tr[data-name="specimen"] a').click();
    await page.locator('#state-hint').filter({ hasText: 'This node does not show states and messages' }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Read the state' }).isVisible(), false);
    assert.equal(await page.getByRole('button', { name: 'Start the trace' }).isVisible(), false);
    const frames = await page.evaluate((pid) => new Promise((resolve) => {
      const token = document.querySelector('meta[name="coppice-token"]').content;
      const socket = new WebSocket(`ws://${location.host}/console/ws`);
      const came = [];
      socket.onopen = () => {
        for (const frame of [{ type: 'hello', v: 1, token }, { type: 'watch', process: pid }, { type: 'state', pid }, { type: 'trace', pid, on: true }]) {
          socket.send(JSON.stringify(frame));
        }
      };
      socket.onmessage = ({ data }) => {
        const frame = JSON.parse(data);
        if (frame.type !== 'snapshot') came.push(frame);
        if (came.length === 2) resolve(came);
      };
    }), await page.locator('.process-titles .pid').textContent());
    assert.deepEqual(frames.map(({ problem, ended }) => problem ?? ended),
      ['This node does not show states.', 'This node does not show messages.']);
    await hiding.clear();
  } finally {
    await hiding.close();
  }
});
