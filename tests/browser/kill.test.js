// Anything is killed from the console, and nobody's chat stops.
import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';
import { Stage, fresh, test } from './harness.js';

let stage;
before(async () => { stage = await Stage.open(); });
afterEach(() => stage.clear());
after(() => stage?.close());

/** Two people who talk one to one in one tab each and in a room in another, and a third at the console. */
class Company {
  said = { direct: [], room: [] };

  static async gather() {
    const company = new Company();
    company.ann = await stage.person(fresh('ann'));
    company.bob = await stage.person(fresh('bob'));
    company.room = `#${fresh('room')}`;
    await company.ann.enter(company.room);
    await company.bob.enter(company.room);
    await company.ann.page.locator('#subtitle').filter({ hasText: '2 members' }).waitFor();
    company.killer = await stage.console();
    return company;
  }

  /** Each says something new to the other and in the room, and it arrives and is marked so. */
  async talk(about) {
    const { ann, bob, room } = this;
    for (const [speaker, listener] of [[ann, bob], [bob, ann]]) {
      for (const [place, to, from] of [['direct', listener.name, speaker.name], ['room', room, room]]) {
        const text = `${speaker.name} ${about} (${place})`;
        this.said[place].push(text);
        await speaker.open(to);
        await listener.open(from);
        await speaker.write(text);
        await listener.sees(text);
        await speaker.marked(text, 'delivered');
      }
    }
  }

  /** What both have on their screens is all that was said, once, in order. */
  async check() {
    const { ann, bob, room, said } = this;
    for (const [person, other] of [[ann, bob], [bob, ann]]) {
      await person.open(other.name);
      assert.deepEqual(await person.texts(), said.direct, `${person.name} one to one`);
      await person.open(room);
      assert.deepEqual(await person.texts(), said.room, `${person.name} in the room`);
    }
  }
}

async function survives(victim_of, comes_back = true) {
  const company = await Company.gather();
  await company.talk('before');
  const victim = victim_of(company);
  const pid = await company.killer.kill(victim);
  await company.talk('at once');
  if (comes_back) await company.killer.back(victim, pid);
  await company.talk('after');
  await company.check();
}

test('the connection process of a user', () => survives(({ ann }) => `connection:${ann.name}`));
test('the session of a user', () => survives(({ bob }) => `session:${bob.name}`));
test('the room', () => survives(({ room }) => `room:${room}`));
for (const name of ['session_sup', 'room_sup', 'connection_sup', 'chat_sup']) {
  test(`the supervisor ${name}`, () => survives(() => name));
}

test('all of them one after the other, in one conversation', async () => {
  const company = await Company.gather();
  await company.talk('at first');
  const victims = [`connection:${company.ann.name}`, `session:${company.bob.name}`, `room:${company.room}`, 'session_sup'];
  for (const victim of victims) {
    const pid = await company.killer.kill(victim);
    await company.killer.back(victim, pid);
    await company.talk(`after ${victim}`);
  }
  await company.check();
});

test('kills in the middle of a stream of messages lose and double nothing', async () => {
  const { ann, bob, killer } = await Company.gather();
  await ann.open(bob.name);
  await bob.open(ann.name);
  const texts = Array.from({ length: 60 }, (_, n) => `word ${n}`);
  const talking = (async () => { for (const text of texts) await ann.write(text); })();
  for (const victim of [`session:${bob.name}`, `connection:${ann.name}`, `session:${ann.name}`, `connection:${bob.name}`]) {
    await killer.kill(victim);
  }
  await talking;
  await bob.sees(texts.at(-1));
  await ann.marked(texts.at(-1), 'delivered');
  assert.deepEqual(await bob.texts(), texts);
  assert.deepEqual(await ann.texts(), texts);
});

test('what waits for someone away outlives the session that keeps it', async () => {
  const { ann, bob, killer } = await Company.gather();
  await bob.page.getByRole('button', { name: 'Sign out' }).click();
  await ann.open(bob.name);
  await ann.write('For later');
  await ann.marked('For later', 'sent');
  await killer.kill(`session:${bob.name}`);
  await ann.write('And this');
  await ann.marked('And this', 'sent');
  await bob.sign_in();
  await bob.open(ann.name);
  await ann.marked('And this', 'delivered');
  assert.deepEqual(await bob.texts(), ['For later', 'And this']);
});

test('every process that the console shows, the root and the console itself too', async () => {
  const { ann, bob, killer } = await Company.gather();
  await killer.page.locator('#rows tr[data-name="session_sup"]').waitFor(); // the second floor opens by itself
  const rows = await killer.page.locator('#rows tr[data-pid^="<"]').evaluateAll((found) =>
    found.map((row) => row.dataset.name));
  assert.ok(rows.length >= 5, `only ${rows}`);
  await ann.open(bob.name);
  await bob.open(ann.name);
  const said = [];
  for (const name of rows) {
    await killer.page.locator('#connection[data-state="live"]').waitFor();
    const victim = killer.row(name).first();
    // What went with an earlier one of them and did not come back under its name is no victim any more.
    if ((await victim.count()) === 0 || !(await victim.getAttribute('data-pid'))) continue;
    await victim.locator('.kill-button').click();
    await killer.confirm();
    const text = `after ${name} ${said.length}`;
    said.push(text);
    await ann.write(text);
    await bob.sees(text);
    await ann.marked(text, 'delivered');
  }
  assert.deepEqual(await bob.texts(), said);
});
