// The messaging server's web client. A page that breaks the content policy fails the test (Stage.clear).
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before } from 'node:test';
import { Stage, fresh, start_node, test } from './harness.js';
import { Messenger, demo_passwords } from './messenger.js';

let folder;
let stage;
let passwords;
const start = () => start_node(['--data', folder, '--demo', '--xmpp', '127.0.0.1:0', '--xmpp-tls', '127.0.0.1:0',
  '--xmpp-https', '127.0.0.1:0']);

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coppice-messaging-'));
  stage = await Stage.open(start);
  passwords = demo_passwords(stage.node);
});
afterEach(() => stage.clear());
after(async () => {
  await stage?.close();
  await rm(folder, { recursive: true, force: true });
});

const page = () => stage.page('messaging/', { locale: 'en-US', viewport: { width: 1280, height: 800 } });

async function person(name) {
  const one = new Messenger(await page());
  await one.sign_in(name, passwords[name]);
  return one;
}

test('the node leads to the client, and the client to the supervision', async () => {
  const front = await stage.page('');
  assert.equal(new URL(front.url()).pathname, '/messaging/');
  const [console_page] = await Promise.all([
    front.context().waitForEvent('page'), front.getByRole('link', { name: 'Supervision' }).click()]);
  await console_page.locator('#rows tr[data-name="messaging_sup"]').waitFor();
});

test('a wrong password is said to be wrong, and the right one signs in', async () => {
  const alice = new Messenger(await page());
  await alice.try_password('alice', 'wrong');
  await alice.page.getByText('password is incorrect').waitFor();
  await alice.sign_in('alice', passwords.alice);
});

test('two people talk', async () => {
  const [alice, bob] = [await person('alice'), await person('bob')];
  const [hello, answer] = [fresh('hello'), fresh('answer')];
  await alice.open('bob');
  await alice.write(hello);
  await bob.open('alice');
  await bob.sees(hello);
  await bob.write(answer);
  await alice.sees(answer);
});

test('somebody comes by https', async () => {
  const [, port] = /xmpp https 127\.0\.0\.1:(\d+)/.exec(stage.node.said());
  const browser = await stage.page('', { locale: 'en-US', viewport: { width: 1280, height: 800 }, ignoreHTTPSErrors: true });
  await browser.goto(`https://127.0.0.1:${port}/`);
  assert.equal(await browser.getByRole('link', { name: 'Supervision' }).count(), 0);
  const alice = new Messenger(browser);
  await alice.sign_in('alice', passwords.alice);
  const bob = await person('bob');
  const hello = fresh('hello');
  await alice.open('bob');
  await alice.write(hello);
  await bob.open('alice');
  await bob.sees(hello);
});

test('people talk in a room', async () => {
  const [alice, bob] = [await person('alice'), await person('bob')];
  const room = `${fresh('room')}@conference.localhost`;
  await alice.enter(room);
  await bob.enter(room);
  for (const one of [alice, bob]) await one.page.getByText('2 Participants').waitFor();
  const [hello, answer] = [fresh('hello'), fresh('answer')];
  await alice.write(hello);
  await bob.sees(hello);
  await bob.write(answer);
  await alice.sees(answer);
});

test('what was said is there after a reload, and in another browser', async () => {
  const [alice, bob] = [await person('alice'), await person('bob')];
  const said = fresh('said');
  await alice.open('bob');
  await alice.write(said);
  await bob.open('alice');
  await bob.sees(said); // so it has left alice's browser
  await alice.page.reload();
  await alice.online();
  await alice.open('bob');
  await alice.sees(said);
  const elsewhere = await person('alice');
  await elsewhere.open('bob');
  await elsewhere.sees(said);
});

test('a picture is sent, and shown', async () => {
  const [alice, bob] = [await person('alice'), await person('bob')];
  const picture = join(folder, 'picture.png');
  await writeFile(picture, Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAXDIBKE0DHxgljNBAAO9TXL0Y4OHwAAAABJRU5ErkJggg==',
    'base64'));
  await bob.open('alice');
  await alice.open('bob');
  await alice.page.locator('converse-chat input[type="file"]').setInputFiles(picture);
  const shown = bob.page.locator('converse-chat img[src*="/upload/"]').last();
  await shown.waitFor();
  await bob.page.waitForFunction((image) => image.naturalWidth === 5, await shown.elementHandle());
});

test('a connection that is killed comes back, and nothing is lost', async () => {
  const [alice, bob] = [await person('alice'), await person('bob')];
  await alice.open('bob');
  await bob.open('alice');
  const [before_it, meanwhile, after_it] = [fresh('before'), fresh('meanwhile'), fresh('after')];
  await alice.write(before_it);
  await bob.sees(before_it);
  const supervision = await stage.console();
  await supervision.page.getByLabel(/^Filter processes/).fill('stream:alice@');
  const row = supervision.page.locator('#rows tr[data-name^="stream:alice@"]').first();
  const killed = await row.getAttribute('data-pid');
  await row.locator('.kill-button').click();
  await supervision.confirm();
  await supervision.page.locator(`#rows tr[data-pid="${killed}"]`).waitFor({ state: 'detached' });
  await bob.write(meanwhile);
  await alice.sees(meanwhile);
  await alice.write(after_it);
  await bob.sees(after_it);
  for (const one of [alice, bob]) {
    const texts = await one.texts();
    for (const text of [before_it, meanwhile, after_it]) {
      assert.equal(texts.filter((seen) => seen === text).length, 1, `${text} in ${texts}`);
    }
  }
});

test('passwords are said at the first start alone', async () => {
  const other = await mkdtemp(join(tmpdir(), 'coppice-messaging-'));
  const options = ['--data', other, '--demo', '--xmpp', '127.0.0.1:0', '--xmpp-tls', '127.0.0.1:0'];
  try {
    const first = await start_node(options);
    const given = demo_passwords(first);
    await first.stop();
    assert.deepEqual(Object.keys(given), ['alice', 'bob']);
    assert.notEqual(given.alice, given.bob);
    const second = await start_node(options);
    await second.stop();
    assert.deepEqual(demo_passwords(second), {});
  } finally {
    await rm(other, { recursive: true, force: true });
  }
});
