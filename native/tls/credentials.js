/** Judges what a camera was told to connect with; see credentials.d.ts. */
function readKey(text) @ "xs_read_key";
function readCertificates(text, key, time) @ "xs_read_certificates";
function readRoots(text, time) @ "xs_read_roots";

export { readCertificates, readKey, readRoots };
