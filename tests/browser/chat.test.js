// Two people, one to one and in rooms.
import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';
import { Stage, fresh, test } from './harness.js';

let stage;
before(async () => { stage = await Stage.open(); });
afterEach(() => stage.clear());
after(() => stage?.close());

async function couple() {
  const ann = await stage.person(fresh('ann'));
  const bob = await stage.person(fresh('bob'));
  return [ann, bob];
}

test('the front page leads to the chat', async () => {
  const page = await stage.page('');
  assert.equal(new URL(page.url()).pathname, '/chat/');
  await page.getByRole('heading', { name: 'Coppice chat' }).waitFor();
});

test('a name that cannot be used is refused with a reason', async () => {
  const page = await stage.page('chat/');
  await page.getByLabel('Your name').fill('no spaces!');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').filter({ hasText: 'letters, digits' }).waitFor();
  assert.equal(await page.locator('#app').isVisible(), false);
});

test('two people talk one to one and see the delivery', async () => {
  const [ann, bob] = await couple();
  await ann.entry(bob.name).and(ann.page.locator('.online')).click();
  await ann.write('Hello, Bob');
  await ann.marked('Hello, Bob', 'delivered');
  await bob.entry(ann.name).locator('.badge').filter({ hasText: '1' }).waitFor();
  await bob.open(ann.name);
  await bob.sees('Hello, Bob');
  assert.equal(await bob.entry(ann.name).locator('.badge').count(), 0);
  await bob.write('Hello, Ann');
  await ann.sees('Hello, Ann');
  await bob.marked('Hello, Ann', 'delivered');
  assert.deepEqual(await ann.texts(), ['Hello, Bob', 'Hello, Ann']);
  assert.deepEqual(await bob.texts(), ['Hello, Bob', 'Hello, Ann']);
});

test('who comes and goes is seen at once', async () => {
  const [ann, bob] = await couple();
  await ann.entry(bob.name).and(ann.page.locator('.online')).click();
  await bob.page.getByRole('button', { name: 'Sign out' }).click();
  await ann.entry(bob.name).and(ann.page.locator('.away')).waitFor();
  await bob.sign_in();
  await ann.entry(bob.name).and(ann.page.locator('.online')).waitFor();
});

test('a room: opened by one, found and entered by another, left again', async () => {
  const [ann, bob] = await couple();
  const room = `#${fresh('garden')}`;
  await ann.enter(room);
  await bob.entry(room).click();
  await bob.page.locator('#leave').waitFor();
  await ann.page.locator('#subtitle').filter({ hasText: '2 members' }).waitFor();
  await ann.page.getByText('Members', { exact: true }).click();
  await ann.page.getByRole('list', { name: 'Members' }).getByText(bob.name).waitFor();
  await ann.write('To all');
  await bob.sees('To all');
  await ann.marked('To all', 'delivered');
  await bob.page.getByRole('button', { name: 'Leave' }).click();
  await ann.page.locator('#subtitle').filter({ hasText: '1 member' }).waitFor();
  await ann.page.keyboard.press('Escape');
  await ann.write('Alone');
  await ann.marked('Alone', 'sent');
  await bob.entry(room).locator('.detail').filter({ hasText: 'not joined' }).waitFor();
});

test('the order of many messages stays, none lost, none doubled', async () => {
  const [ann, bob] = await couple();
  await ann.open(bob.name);
  await bob.open(ann.name);
  const texts = Array.from({ length: 40 }, (_, n) => `message ${n}`);
  for (const text of texts) await ann.write(text);
  await bob.sees(texts.at(-1));
  await ann.marked(texts.at(-1), 'delivered');
  assert.deepEqual(await bob.texts(), texts);
  assert.deepEqual(await ann.texts(), texts);
});

test('messages for someone who is away wait until sign-in', async () => {
  const [ann, bob] = await couple();
  await bob.page.getByRole('button', { name: 'Sign out' }).click();
  await ann.open(bob.name);
  await ann.entry(bob.name).and(ann.page.locator('.away')).waitFor();
  await ann.write('First');
  await ann.write('Second');
  await ann.marked('Second', 'sent');
  await bob.sign_in();
  await bob.entry(ann.name).locator('.badge').filter({ hasText: '2' }).waitFor();
  await bob.open(ann.name);
  await ann.marked('Second', 'delivered');
  assert.deepEqual(await bob.texts(), ['First', 'Second']);
});

test('someone who never was here finds what was written before', async () => {
  const ann = await stage.person(fresh('ann'));
  const name = fresh('newcomer');
  await ann.open(name);
  await ann.write('Welcome, when you come');
  await ann.marked('Welcome, when you come', 'sent');
  const newcomer = await stage.person(name);
  await newcomer.entry(ann.name).click();
  await newcomer.sees('Welcome, when you come');
  await ann.marked('Welcome, when you come', 'delivered');
});

test('two devices of one person both show all, their own words too', async () => {
  const [ann, bob] = await couple();
  const phone = await stage.person(ann.name);
  await ann.open(bob.name);
  await phone.open(bob.name);
  await bob.open(ann.name);
  await ann.write('From the desk');
  await phone.sees('From the desk');
  await bob.sees('From the desk');
  await bob.write('To both');
  await ann.sees('To both');
  await phone.sees('To both');
  for (const device of [ann, phone, bob]) assert.deepEqual(await device.texts(), ['From the desk', 'To both']);
});

test('a reload keeps the tab signed in and shows nothing twice', async () => {
  const [ann, bob] = await couple();
  await ann.open(bob.name);
  await ann.write('Before');
  await ann.marked('Before', 'delivered');
  await bob.page.reload();
  await bob.connected();
  await ann.write('After');
  await ann.marked('After', 'delivered');
  await bob.open(ann.name);
  assert.deepEqual(await bob.texts(), ['Before', 'After']);
});

test('words written without a connection are sent when it is back', async () => {
  const [ann, bob] = await couple();
  await ann.open(bob.name);
  await bob.open(ann.name);
  // Playwright's offline mode leaves open WebSockets alone: end this one as well, as a lost network does.
  await ann.page.context().setOffline(true);
  const watcher = await stage.console();
  await watcher.kill(`connection:${ann.name}`);
  await ann.page.locator('#connection[data-state="waiting"]').waitFor();
  await ann.write('Written in the tunnel');
  await ann.marked('Written in the tunnel', 'sending');
  await ann.page.context().setOffline(false);
  await bob.sees('Written in the tunnel');
  await ann.marked('Written in the tunnel', 'delivered');
  assert.deepEqual(await bob.texts(), ['Written in the tunnel']);
});

test('Shift and Enter makes a line, and what looks like HTML is text', async () => {
  const [ann, bob] = await couple();
  await ann.open(bob.name);
  await bob.open(ann.name);
  const box = ann.page.getByLabel('Message', { exact: true });
  await box.fill('<b onclick="1">one</b>');
  await box.press('Shift+Enter');
  await box.pressSequentially('two & three');
  await box.press('Enter');
  await bob.page.locator('#log .message').waitFor();
  assert.deepEqual(await bob.texts(), ['<b onclick="1">one</b>\ntwo & three']);
  assert.equal(await bob.page.locator('#log .text b').count(), 0);
});

test('a text that is too long stays in the field and says so', async () => {
  const [ann, bob] = await couple();
  await ann.open(bob.name);
  await ann.write('x'.repeat(4001));
  await ann.page.getByText('1 characters too long').waitFor();
  assert.deepEqual(await ann.texts(), []);
  await ann.write('y'.repeat(4000));
  await ann.marked('y'.repeat(4000), 'delivered');
});

test('the page can be used by keys alone', async () => {
  const [ann, bob] = await couple();
  const { page } = ann;
  await page.getByLabel('Find or start a conversation').focus();
  await page.keyboard.type(bob.name);
  await page.keyboard.press('Enter');
  await page.keyboard.type('No mouse');
  await page.keyboard.press('Enter');
  await ann.marked('No mouse', 'delivered');
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('#conversation').isVisible(), false);
  assert.equal(await page.evaluate(() => document.activeElement.dataset.key), bob.name);
});

test('raw frames: the limits of the protocol hold', async () => {
  const page = await stage.page('chat/');
  // Plays one connection: sends the frames, gives what came until it closed.
  const play = (frames) => page.evaluate((to_send) => new Promise((resolve) => {
    const socket = new WebSocket(`ws://${location.host}/chat/ws`);
    const came = [];
    socket.onopen = () => { for (const frame of to_send) socket.send(frame); };
    socket.onmessage = ({ data }) => { came.push(JSON.parse(data)); };
    socket.onclose = ({ code }) => resolve({ code, came });
  }), frames);
  const hello = JSON.stringify({ type: 'hello', v: 1, user: fresh('raw') });
  assert.equal((await play(['not json'])).code, 4400);
  assert.equal((await play(['{"type":"who"}'])).code, 4401);
  assert.equal((await play(['{"type":"hello","v":1,"user":"a b"}'])).code, 4403);
  assert.equal((await play([hello, hello])).code, 4400);
  assert.equal((await play([hello, `{"type":"ping","n":"${'x'.repeat(17 * 1024)}"}`])).code, 1009);
  const frames = [
    { type: 'dance' },
    { type: 'send', id: 'abcdefgh1', to: `#${fresh('nowhere')}`, text: 'x' },
    { type: 'send', id: 'short', to: 'bob', text: 'x' },
    { type: 'send', id: 'abcdefgh2', to: 'not a name', text: 'x' },
    { type: 'send', id: 'abcdefgh3', to: 'bob', text: 'x'.repeat(4001) },
    { type: 'join', room: 'no-hash' },
  ];
  const { code, came } = await play([hello, ...frames.map((frame) => JSON.stringify(frame)), '[]']);
  assert.equal(code, 4400);
  assert.deepEqual(came.filter(({ type }) => type === 'error').map((frame) => frame.code),
    ['unknown_type', 'not_member', 'bad_id', 'bad_name', 'bad_text', 'bad_name', 'bad_frame']);
});

test('a message that was accepted is not taken again with the same id', async () => {
  const page = await stage.page('chat/');
  const texts = await page.evaluate(({ ann, bob }) => new Promise((resolve) => {
    const came = [];
    const enter = (user, on_frame) => {
      const socket = new WebSocket(`ws://${location.host}/chat/ws`);
      const send = (frame) => socket.send(JSON.stringify(frame));
      socket.onopen = () => send({ type: 'hello', v: 1, user });
      socket.onmessage = ({ data }) => on_frame(JSON.parse(data), send);
    };
    // Bob's frames as they come: the page would hide a message that came twice.
    enter(bob, (frame) => {
      if (frame.type === 'message') came.push(frame.text);
      if (frame.text === 'Next') resolve(came);
      if (frame.type !== 'welcome') return;
      enter(ann, (answer, send) => {
        if (answer.type !== 'welcome') return;
        for (let n = 0; n < 3; n += 1) send({ type: 'send', id: 'the-same-id', to: bob, text: 'Once' });
        send({ type: 'send', id: 'the-next-id', to: bob, text: 'Next' });
      });
    });
  }), { ann: fresh('ann'), bob: fresh('bob') });
  assert.deepEqual(texts, ['Once', 'Next']);
});
