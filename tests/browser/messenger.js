// Someone at the web client (converse.js). Does what a person does; waits as a person waits.

/** The passwords that the node printed at its first start, by name. */
export function demo_passwords(node) {
  const found = [...node.said().matchAll(/demo account (\w+)@\S+ has the password (\S+)/g)];
  return Object.fromEntries(found.map(([, name, password]) => [name, password]));
}

export class Messenger {
  constructor(page) {
    this.page = page;
  }

  async try_password(name, password) {
    await this.page.locator('converse-login-form input[name="jid"]').fill(name);
    await this.page.locator('converse-login-form input[name="password"]').fill(password);
    await this.page.locator('converse-login-form [type="submit"]').click();
  }

  async sign_in(name, password) {
    await this.try_password(name, password);
    await this.online();
  }

  async online() {
    await this.page.locator('converse-user-profile .username').waitFor();
  }

  /** By the list of contacts. */
  async open(contact) {
    await this.page.locator('#converse-roster .open-chat').filter({ hasText: contact }).first().click();
    await this.composer().waitFor();
  }

  /** By a link to the room, as people send them. */
  async enter(room) {
    await this.page.evaluate((jid) => { location.hash = `converse/room?jid=${jid}`; }, room);
    await this.composer().waitFor();
  }

  composer() {
    return this.page.locator('.chat-textarea:visible');
  }

  async write(text) {
    await this.composer().fill(text);
    await this.composer().press('Enter');
    await this.sees(text);
  }

  message(text) {
    return this.page.locator('.chat-msg__text:visible').filter({ hasText: text });
  }

  async sees(text) {
    await this.message(text).first().waitFor();
  }

  /** The texts in the open conversation, in order. */
  async texts() {
    return (await this.page.locator('.chat-msg__text:visible').allInnerTexts()).map((text) => text.trim());
  }
}
