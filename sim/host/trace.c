#include "xsAll.h"

#include "trace.h"
#include "xs.h"

static void trace(xsMachine *the) {
  int count = xsToInteger(xsArgc);
  for (int i = 0; i < count; i++) {
    char *text = xsToString(xsArg(i));
    fputs(text, stdout);
    fxReport(the, "%s", text);
  }
  fflush(stdout);
}

void trace_install(xsMachine *the) {
  xsResult = xsNewHostFunction(trace, 1);
  xsDefine(xsGlobal, xsID("trace"), xsResult, xsDontEnum);
}
