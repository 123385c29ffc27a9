#include "script.h"

#include "failure.h"
#include "natives.h"
#include "xsScript.h"

extern void fxRemapIDs(txMachine *the, txByte *code, txSize size, txID *ids);

typedef struct {
  char *text;
  size_t length, offset;
} text_stream;

static int next_byte(void *stream) {
  text_stream *it = stream;
  return it->offset < it->length ? (unsigned char)it->text[it->offset++] : C_EOF;
}

static text_stream read_text(const char *path) {
  text_stream it = {NULL, 0, 0};
  FILE *file = fopen(path, "r");
  if (file && !fseek(file, 0, SEEK_END)) {
    it.length = ftell(file);
    rewind(file);
    it.text = malloc(it.length + 1);
    it.length = fread(it.text, 1, it.length, file);
    it.text[it.length] = 0;
  }
  if (!it.text) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(EXIT_USAGE);
  }
  fclose(file);
  return it;
}

// The parser calls it for a syntax error; there is nothing to go on with.
static void report_error(void *console, txString path, txInteger line, txString format, c_va_list arguments) {
  (void)console;
  fprintf(stderr, "%s:%d: SyntaxError: ", path ? path : "?", (int)line);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  exit(EXIT_EXCEPTION);
}

// Functions and strings are to be used where they are instead of being copied into chunks: each such instruction has an "archive" twin of the
// same size.
static void keep_in_flash(txByte *code, txSize size) {
  txByte *p = code, *end = code + size;
  while (p < end) {
    txU1 instruction = *(txU1 *)p;
    if (XS_CODE_CODE_1 <= instruction && instruction <= XS_CODE_CODE_4)
      *(txU1 *)p = instruction - XS_CODE_CODE_1 + XS_CODE_CODE_ARCHIVE_1;
    else if (XS_CODE_STRING_1 <= instruction && instruction <= XS_CODE_STRING_4)
      *(txU1 *)p = instruction - XS_CODE_STRING_1 + XS_CODE_STRING_ARCHIVE_1;
    txS1 length = gxCodeSizes[instruction];
    if (length > 0)
      p += length;
    else if (length == 0)
      p += 1 + sizeof(txID);
    else {
      txU4 count = 0;
      memcpy(&count, p + 1, -length);
      p += 1 - length + count;
    }
  }
}

// The parser numbers a module's names from 1; the machine has its own numbers.
static txID *intern_names(txMachine *root, txScript *script) {
  txByte *p = script->symbolsBuffer;
  txID count;
  memcpy(&count, p, sizeof(count));
  p += sizeof(count);
  txID *ids = malloc(count * sizeof(txID));
  ids[0] = XS_NO_ID;
  for (txID i = 1; i < count; i++) {
    ids[i] = fxNewNameC(root, (txString)p);
    p += strlen((char *)p) + 1;
  }
  return ids;
}

static txScript *compile(txMachine *root, module *entry) {
  txParser parser_, *parser = &parser_;
  txParserJump jump;
  txScript *script = NULL;
  text_stream text = read_text(entry->script), map = {NULL, 0, 0};
  fxInitializeParser(parser, root, root->parserBufferSize, root->parserTableModulo);
  parser->firstJump = &jump;
  parser->reportError = report_error;
  if (c_setjmp(jump.jmp_buf) == 0) {
    txString name = NULL;
    parser->path = fxNewParserSymbol(parser, entry->map ? entry->script : entry->source);
    fxParserTree(parser, &text, next_byte, mxCFlag | mxDebugFlag, &name);
    if (entry->map) {
      map = read_text(entry->map);
      fxParserSourceMap(parser, &map, next_byte, mxCFlag | mxDebugFlag, &name);
      parser->path = fxNewParserSymbol(parser, entry->source);  // another path tells XS to map the lines
    }
    fxParserHoist(parser);
    fxParserBind(parser);
    script = fxParserCode(parser);
  }
  fxTerminateParser(parser);
  free(text.text);
  free(map.text);
  return script;
}

void script_parse(txMachine *root, module *entry) {
  txScript *script = compile(root, entry);
  if (!script) {
    fprintf(stderr, "%s: cannot be compiled\n", entry->source);
    exit(EXIT_EXCEPTION);
  }
  txID *ids = intern_names(root, script);
  keep_in_flash(script->codeBuffer, script->codeSize);
  fxRemapIDs(root, script->codeBuffer, script->codeSize, ids);
  if (script->hostsBuffer)
    natives_find(entry, script, ids);
  entry->code = *script;
  entry->code.symbolsBuffer = NULL;  // done with; with a buffer XS would delete the bytecode after the first run
  entry->code.path = entry->source;
  free(ids);
}

void script_run(txMachine *the, module *entry, txSlot *slot, txID id) {
  if (entry->natives)
    entry->code.callback = natives_builder(entry);
  fxResolveModule(the, slot, id, &entry->code, NULL, NULL);
}
