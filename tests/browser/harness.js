// What the browser tests share: the node under test, the browser, and people who use the pages.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test as node_test } from 'node:test';
import { chromium } from 'playwright-core';

const patience = 20_000;
const longest_test = 120_000;
const browser_flags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
];

/** A test that ends, whatever it waits for. */
export const test = (name, body) => node_test(name, { timeout: longest_test }, body);

/** Starts the program under test on a free port; `.url` ends with a slash. */
export function start_node(options = []) {
  const program = process.env.COPPICE_BIN;
  assert.ok(program, 'COPPICE_BIN must name the coppice program to be tested');
  return start_program(program, ['run', '--port', '0', ...options]);
}

/** Starts a node with so many idle processes, and with some that are worth a look (crowd.cpp). */
export function start_crowd(count, options = []) {
  const program = process.env.COPPICE_CROWD;
  assert.ok(program, 'COPPICE_CROWD must name the program of crowd.cpp');
  return start_program(program, [String(count), ...options]);
}

async function start_program(program, options) {
  const child = spawn(program, options, { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = [];
  const hear = (line) => { said.push(line); if (said.length > 200) said.shift(); };
  createInterface({ input: child.stderr }).on('line', hear);
  const ended = new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(`exit code ${code}, signal ${signal}`));
    child.once('error', (error) => resolve(String(error)));
  });
  const ready = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      hear(line);
      const found = /^coppice: (http:\/\/\S+)$/.exec(line);
      if (found) resolve(found[1]);
    });
  });
  const url = await Promise.race([ready, ended.then((how) => {
    throw new Error(`the node ended before it was ready (${how}):\n${said.join('\n')}`);
  })]);
  return {
    url,
    alive: () => child.exitCode === null && child.signalCode === null,
    said: () => said.join('\n'),
    async stop() {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), patience);
      await ended;
      clearTimeout(late);
      return { code: child.exitCode, signal: child.signalCode };
    },
  };
}

/** A node and a browser, and what is to be ended after the tests of a file. */
export class Stage {
  #profile;
  #browser;
  #contexts = [];

  static async open(start = start_node) {
    const stage = new Stage();
    stage.node = await start();
    stage.#profile = await mkdtemp(join(tmpdir(), 'coppice-browser-'));
    // The program's own directory for a profile is new at each launch; $HOME keeps all else of Chromium apart too.
    stage.#browser = await chromium.launch({
      executablePath: process.env.COPPICE_CHROMIUM ?? '/usr/bin/chromium',
      headless: true,
      args: browser_flags,
      env: { ...process.env, HOME: stage.#profile, XDG_CONFIG_HOME: stage.#profile, XDG_CACHE_HOME: stage.#profile },
    });
    return stage;
  }

  async close() {
    await this.#browser?.close();
    const how = await this.node.stop();
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
    assert.deepEqual(how, { code: 0, signal: null }, `the node did not end cleanly:\n${this.node.said()}`);
  }

  /** Ends the contexts of a test, and fails if a page complained or the node died. */
  async clear() {
    const complaints = this.#contexts.flatMap(({ complaints }) => complaints);
    for (const { context } of this.#contexts.splice(0)) await context.close();
    assert.ok(this.node.alive(), `the node died:\n${this.node.said()}`);
    assert.deepEqual(complaints, [], 'errors in the pages');
  }

  /** A browser context of its own (its own storage, as another person's browser), with one page in it. */
  async page(path, options = {}) {
    const context = await this.#browser.newContext(options);
    context.setDefaultTimeout(patience);
    const complaints = [];
    this.#contexts.push({ context, complaints });
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(`${path}: ${error.message}`));
    page.on('console', (message) => {
      // A cut connection is what these tests are about; the browser reports it as an error. So does converse.js that
      // it is no more in a room that it was in, by a ping (XEP-0410), before it joins again; and what it was loading
      // when its page is loaded again.
      const usual = new RegExp('WebSocket|Websocket closed|net::ERR_|Failed to load resource|Failed to fetch|'
        + 'Could not initialize OMEMO|Error while pinging|You are not in the room');
      if (message.type() === 'error' && !usual.test(message.text())) {
        complaints.push(`${path}: ${message.text()}`);
      }
    });
    await page.goto(new URL(path, this.node.url).href);
    return page;
  }

  async person(name, options) {
    const person = new Person(name, await this.page('chat/', options));
    await person.sign_in();
    return person;
  }

  /** A console at the tree, or at another view. */
  async console(options, view = 'tree') {
    return new Console(await this.page(`console/#${view}`, options));
  }
}

let names = 0;

/** A name that no other test uses, so that tests share a node without seeing each other. */
export const fresh = (name) => `${name}-${process.pid}-${++names}`;

/** Someone at the chat page. Does what a person does; waits as a person waits. */
export class Person {
  constructor(name, page) {
    this.name = name;
    this.page = page;
  }

  async sign_in() {
    await this.page.getByLabel('Your name').fill(this.name);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
    await this.connected();
  }

  async connected() {
    await this.page.locator('#connection[data-state="online"]').waitFor();
  }

  /** Opens the conversation with a user or a #room, by the field that finds both. */
  async open(key) {
    await this.page.getByLabel('Find or start a conversation').fill(key);
    await this.page.getByLabel('Find or start a conversation').press('Enter');
    await this.page.getByRole('heading', { level: 1, name: key, exact: true }).waitFor();
  }

  /** Opens a room and waits until its list has this person. */
  async enter(room) {
    await this.open(room);
    await this.page.locator('#leave').waitFor();
  }

  async write(text) {
    await this.page.getByLabel('Message', { exact: true }).fill(text);
    await this.page.getByLabel('Message', { exact: true }).press('Enter');
  }

  message(text) {
    return this.page.locator('#log .message').filter({ has: this.page.getByText(text, { exact: true }) });
  }

  async sees(text) {
    await this.message(text).first().waitFor();
  }

  /** Waits until the own message has that mark: sent, delivered or failed. */
  async marked(text, state) {
    await this.page.locator(`#log .own[data-state="${state}"]`)
      .filter({ has: this.page.getByText(text, { exact: true }) }).waitFor();
  }

  entry(key) {
    return this.page.locator(`.entry[data-key="${key}"]`);
  }

  /** The texts in the open conversation, in order. */
  texts() {
    return this.page.locator('#log .message .text').allTextContents();
  }
}

/** Someone at the console page. */
export class Console {
  constructor(page) {
    this.page = page;
  }

  row(name) {
    return this.page.locator(`#rows tr[data-name="${name}"]`);
  }

  async find(name) {
    await this.page.locator('#connection[data-state="live"]').waitFor();
    await this.page.getByLabel(/^Filter processes/).fill(name);
    await this.row(name).first().waitFor();
  }

  /** Says yes to the question whether to kill. */
  async confirm() {
    await this.page.getByRole('dialog', { name: 'Kill this process?' }).getByRole('button', { name: 'Kill', exact: true }).click();
  }

  /** Kills the process of that name by its button; gives its pid when the row shows that pid no more. */
  async kill(name) {
    await this.find(name);
    const pid = await this.row(name).first().getAttribute('data-pid');
    await this.page.locator(`#rows tr[data-pid="${pid}"] .kill-button`).click();
    await this.confirm();
    await this.page.locator(`#rows tr[data-pid="${pid}"]`).waitFor({ state: 'detached' });
    return pid;
  }

  /** Waits until a process of that name runs with another pid than the one that was killed. */
  async back(name, killed) {
    await this.page.locator(`#rows tr[data-name="${name}"]:not([data-pid="${killed}"]):not([data-pid=""])`).first().waitFor();
  }
}
