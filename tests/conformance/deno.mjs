// What h1spec calls of Deno, by Node.js.
import net from "node:net";

async function connect({ hostname, port }) {
  const socket = net.connect({ host: hostname, port, allowHalfOpen: true });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const pieces = [];
  let ended = false;
  let closed = false; // by us: then Deno's reads fail
  let wake = () => {};
  socket.on("data", (piece) => (pieces.push(piece), wake()));
  for (const event of ["end", "close", "error"]) socket.on(event, () => ((ended = true), wake()));
  return {
    write: (bytes) => new Promise((resolve, reject) => socket.write(bytes, (e) => (e ? reject(e) : resolve(bytes.length)))),
    // Deno's read: some bytes, null at the end.
    read: async (buffer) => {
      while (pieces.length === 0 && !ended) await new Promise((resolve) => (wake = resolve));
      if (closed) throw new Error("BadResource");
      if (pieces.length === 0) return null;
      const piece = pieces.shift();
      const count = Math.min(piece.length, buffer.length);
      buffer.set(piece.subarray(0, count));
      if (count < piece.length) pieces.unshift(piece.subarray(count));
      return count;
    },
    close: () => ((closed = true), socket.destroy()),
  };
}

// Node.js is given the program on its standard input, so its arguments begin after the "-".
globalThis.Deno = { args: process.argv.slice(2), exit: (status) => process.exit(status), connect };
