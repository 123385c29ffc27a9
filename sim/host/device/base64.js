/** RFC 4648 base64 with padding, as the SDK's module of the same name. */
class Base64 {
  static encode(buffer) @ "xs_host_base64_encode";
  static decode(text) @ "xs_host_base64_decode";
}

export default Base64;
