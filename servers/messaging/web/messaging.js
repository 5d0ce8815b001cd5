// Starts converse.js for this server: people sign in by name alone, and nothing is asked of other sites.
// In the place of its footer, which shows pictures from elsewhere: what is defined first stays.
customElements.define('converse-footer', class extends HTMLElement {
  connectedCallback() {
    const link = document.createElement('a');
    link.href = 'https://conversejs.org/';
    link.target = '_blank';
    link.rel = 'noopener noreferrer';
    link.textContent = 'converse.js';
    this.replaceChildren('The client is ', link, ', free software (MPL 2.0).');
  }
});

const told = (name) => document.querySelector(`meta[name="coppice-${name}"]`).content;
const stream = new URL('/xmpp-websocket', location.href);
stream.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
// What the content policy lets pages show: everything else stays a link.
const shown = [...new Set([location.hostname, ...(told('files') ? [new URL(told('files')).hostname] : [])])];

window.converse.initialize({
  view_mode: 'fullscreen',
  assets_path: new URL('client', location.href).pathname,
  websocket_url: stream.href,
  discover_connection_methods: false,
  authentication: 'login',
  locked_domain: told('domain'),
  muc_domain: told('rooms'),
  muc_nickname_from_jid: true,
  muc_search_service: '',
  auto_register_muc_nickname: false,
  show_self_in_roster: false,
  allow_registration: false,
  message_archiving: 'always',
  persistent_store: 'IndexedDB',
  auto_reconnect: true,
  allowed_image_domains: shown,
  allowed_audio_domains: shown,
  allowed_video_domains: shown,
  embed_3rd_party_media_players: false,
  fetch_url_headers: false,
  show_background: false,
  show_client_info: false,
  loglevel: 'warn',
});
