#include <getopt.h>
#include <signal.h>
#include <sys/prctl.h>

#include "clock.h"
#include "debugger.h"
#include "failure.h"
#include "loop.h"
#include "machine.h"
#include "random.h"
#include "statistics.h"
#include "world-clock.h"

static const char help[] =
    "Usage: xs-host --manifest FILE [options] MODULE\n"
    "\n"
    "Runs one device: an XS machine with the memory of the manifest's `creation`.\n"
    "\n"
    "  --manifest FILE     compiled manifest, made by sim/host/build.ts\n"
    "  --name NAME         machine name shown in the debugger (default: the module's)\n"
    "  --source-root DIR   put before the paths of sources, for a debugger that opens them\n"
    "  --xsbug HOST[:PORT] connect to a debugger (port 5002 if not given)\n"
    "  --time-scale N      a device second lasts 1/N real seconds\n"
    "  --clock PORT        take the time from whoever keeps it there (world-clock.h)\n"
    "  --stats             print memory and compute figures as a line of JSON at the end\n"
    "  --end-with-parent   end when the process ends that started this one\n"
    "  --help              print this\n"
    "\n"
    "SIGUSR1 prints the same line at any time; SIGUSR2 too, and starts its peaks anew.\n"
    "trace() goes to standard output. Ends when nothing is left to wait for. Exit codes: 0 done, 1 uncaught exception or\n"
    "unhandled rejection, 2 wrong use, 3 out of memory, 4 stopped by the debugger, 5 engine failure.\n";

static txMachine *machine;
static bool print_statistics;

static void at_exit(void) {
  if (print_statistics && machine)
    statistics_print(machine);
}

static void usage(const char *reason) {
  fprintf(stderr, "xs-host: %s (--help shows the options)\n", reason);
  exit(EXIT_USAGE);
}

static double parse_scale(const char *text) {
  char *end;
  double scale = strtod(text, &end);
  if (*end || !(scale > 0))
    usage("--time-scale wants a positive number");
  return scale;
}

typedef struct {
  const char *manifest, *module, *name, *debugger, *source_root, *clock;
  double time_scale;
} command;

static command parse(int argc, char **argv) {
  static const struct option options[] = {
      {"manifest", required_argument, NULL, 'm'},    {"name", required_argument, NULL, 'n'},
      {"xsbug", required_argument, NULL, 'x'},       {"source-root", required_argument, NULL, 'r'},
      {"time-scale", required_argument, NULL, 't'},  {"clock", required_argument, NULL, 'c'},
      {"stats", no_argument, NULL, 's'},
      {"end-with-parent", no_argument, NULL, 'p'},   {"help", no_argument, NULL, 'h'},
      {NULL, 0, NULL, 0}};
  command it = {.source_root = "", .time_scale = 1};
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
    switch (option) {
      case 'm': it.manifest = optarg; break;
      case 'n': it.name = optarg; break;
      case 'x': it.debugger = optarg; break;
      case 'r': it.source_root = optarg; break;
      case 't': it.time_scale = parse_scale(optarg); break;
      case 'c': it.clock = optarg; break;
      case 's': print_statistics = true; break;
      case 'p': prctl(PR_SET_PDEATHSIG, SIGTERM); break;
      case 'h': fputs(help, stdout); exit(0);
      default: exit(EXIT_USAGE);
    }
  }
  if (!it.manifest)
    usage("--manifest is missing");
  if (it.clock && it.time_scale != 1)
    usage("--clock has a pace of its own: leave --time-scale out");
  if (optind + 1 != argc)
    usage("name exactly one module to run");
  it.module = argv[optind];
  return it;
}

int main(int argc, char **argv) {
  command it = parse(argc, argv);
  signal(SIGPIPE, SIG_IGN);
  random_start();
  statistics_listen();
  setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
  clock_start(it.time_scale);
  if (it.clock)
    world_clock_join(it.clock);
  firmware *modules = modules_read(it.manifest, it.source_root);
  if (!modules_find(it.module))
    usage("the manifest has no such module");
  if (it.debugger)
    debugger_prepare(it.debugger);
  atexit(at_exit);
  machine = machine_create(modules, it.name ? it.name : it.module);
  statistics_serve(machine);
  machine_start(machine, it.module);
  debugger_watch(machine);
  loop_run(machine);
  return 0;
}
