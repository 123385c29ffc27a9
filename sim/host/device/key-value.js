/** One domain of durable key-value storage; `KeyValueStorage.open` makes it. */
class Storage @ "xs_key_value_destructor" {
  constructor(options) @ "xs_key_value";
  close() @ "xs_key_value_close";
  read(key, buffer) @ "xs_key_value_read";
  write(key, value) @ "xs_key_value_write";
  delete(key) @ "xs_key_value_delete";
  get format() @ "xs_key_value_get_format";
  set format(value) @ "xs_key_value_set_format";
  keys() @ "xs_key_value_keys";
  [Symbol.iterator]() {
    return this.keys()[Symbol.iterator]();
  }
}

export default {
  open(options) {
    return new Storage(options);
  },
};
