// Small screens, dark and light, names for every control.
import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';
import { Stage, fresh, test } from './harness.js';

let stage;
before(async () => { stage = await Stage.open(); });
afterEach(() => stage.clear());
after(() => stage?.close());

const small = { viewport: { width: 320, height: 568 }, hasTouch: true, isMobile: true };

/** Texts on the page with less contrast than WCAG 2 asks (AA: 4.5 to 1), as they are painted. */
const faint_texts = (page) => page.evaluate(() => {
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = (color) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (top, under) => [0, 1, 2].map((n) => top[n] * top[3] + under[n] * (1 - top[3]));
  const behind = (node) => {
    if (!node) return rgba(getComputedStyle(document.documentElement).colorScheme === 'dark' ? 'black' : 'white');
    const color = rgba(getComputedStyle(node).backgroundColor);
    return color[3] === 1 ? color : [...over(color, behind(node.parentElement)), 1];
  };
  const light = (color) => {
    const [red, green, blue] = color.slice(0, 3).map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const faint = [];
  for (const node of document.body.querySelectorAll('*')) {
    const text = [...node.childNodes].filter((child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
    if (text.length === 0 || !node.checkVisibility() || node.classList.contains('hidden') || node.closest('.avatar')) continue;
    const ground = behind(node);
    const [bright, dark] = [light(over(rgba(getComputedStyle(node).color), ground)), light(ground)].sort((a, b) => b - a);
    const contrast = (bright + 0.05) / (dark + 0.05);
    if (contrast < 4.5) faint.push(`${node.tagName}.${node.className} "${text[0].data.trim()}" ${contrast.toFixed(2)}`);
  }
  return faint;
});

/** Controls that a screen reader could not name. */
const nameless = (page) => page.evaluate(() =>
  [...document.querySelectorAll('button, a, input, textarea, summary')]
    .filter((node) => node.checkVisibility())
    .filter((node) => !(node.getAttribute('aria-label') || node.textContent.trim() || node.labels?.length))
    .map((node) => node.outerHTML));

async function fits(page) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${wide} px too wide`);
}

for (const colorScheme of ['light', 'dark']) {
  test(`the chat is readable in ${colorScheme}`, async () => {
    const ann = await stage.person(fresh('ann'), { colorScheme });
    const bob = await stage.person(fresh('bob'));
    await ann.enter(`#${fresh('room')}`);
    await ann.write('Alone here');
    await ann.marked('Alone here', 'sent');
    await bob.open(ann.name);
    await bob.write('Unread');
    await ann.entry(bob.name).locator('.badge').waitFor();
    await ann.page.getByText('Members', { exact: true }).click();
    assert.deepEqual(await faint_texts(ann.page), []);
    await ann.page.keyboard.press('Escape');
    await ann.open(bob.name);
    await ann.write('Read');
    await ann.marked('Read', 'delivered');
    assert.deepEqual(await faint_texts(ann.page), []);
    assert.deepEqual(await nameless(ann.page), []);
    const ground = await ann.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const [red] = /\d+/.exec(ground);
    assert.equal(Number(red) < 128, colorScheme === 'dark', ground);
  });

  test(`signing in and the console are readable in ${colorScheme}`, async () => {
    const page = await stage.page('chat/', { colorScheme });
    assert.deepEqual(await faint_texts(page), []);
    const watcher = await stage.console({ colorScheme });
    const name = (await stage.person(fresh('ann'))).name;
    const pid = await watcher.kill(`session:${name}`);
    await watcher.back(`session:${name}`, pid);
    await watcher.page.locator('#reports .report.restarted').first().waitFor();
    await watcher.page.emulateMedia({ reducedMotion: 'reduce' });
    assert.deepEqual(await faint_texts(watcher.page), []);
    assert.deepEqual(await nameless(watcher.page), []);
  });
}

test('the chat works on a screen of 320 pixels', async () => {
  const ann = await stage.person(fresh('ann'), small);
  const bob = await stage.person(fresh('bob'), small);
  await fits(ann.page);
  await ann.entry(bob.name).tap();
  assert.equal(await ann.page.getByRole('navigation').isVisible(), false);
  await ann.write('A_word_that_is_far_too_long_for_a_line_of_a_small_phone_'.repeat(4));
  await ann.page.getByLabel('Message', { exact: true }).fill('Short');
  await ann.page.getByRole('button', { name: 'Send' }).tap();
  await ann.marked('Short', 'delivered');
  await fits(ann.page);
  await bob.entry(ann.name).tap();
  await bob.sees('Short');
  await fits(bob.page);
  await ann.page.getByRole('button', { name: 'Back to conversations' }).tap();
  await ann.page.getByRole('navigation').waitFor();
  await ann.enter(`#${fresh('room')}`);
  await ann.page.getByText('Members', { exact: true }).tap();
  const box = await ann.page.getByRole('list', { name: 'Members' }).boundingBox();
  assert.ok(box.x >= 0 && box.x + box.width <= 320, JSON.stringify(box));
  await fits(ann.page);
});

test('the console works on a screen of 320 pixels', async () => {
  const user = await stage.person(fresh('ann'));
  const watcher = await stage.console(small);
  await watcher.find(`session:${user.name}`);
  await fits(watcher.page);
  const button = watcher.row(`session:${user.name}`).locator('.kill-button');
  const box = await button.boundingBox();
  assert.ok(box.x >= 0 && box.x + box.width <= 320, JSON.stringify(box));
  const pid = await watcher.row(`session:${user.name}`).getAttribute('data-pid');
  await button.tap();
  await watcher.confirm();
  await watcher.back(`session:${user.name}`, pid);
});
