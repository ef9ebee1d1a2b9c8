// Command thimble serves an AI customer management system for shops, and proves
// what it promises.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"thimble"
	"thimble/internal/app"
)

// version is set by the build.
var version = "development"

func main() {
	app.Version = version
	// A write beyond the size that the system allows (ulimit -f) is an error like a
	// full disk, not the end of the process.
	signal.Ignore(syscall.SIGXFSZ)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// A command is one verb of the program.
type command struct {
	name, args, about string
	run               func(ctx context.Context, c *call) error
}

var commands = []command{
	{"demo", "[--port N] [--data DIR] [--fresh]", "serve a shop on real orders, console and privacy centre included", demo},
	{"serve", "[flags]", "serve an installation", serve},
	{"import", "customers | products | stock | orders | reviews | consents FILE [--yes | --map FILE] [flags] | receipts FILE", "import a file, gzipped or not: CSV, JSON Lines or a product feed; what is guessed of its columns is printed, to be confirmed; or the receipts that a till has signed", importCommand},
	{"consent", "import FILE | keys add TILL KEY | keys list | keys revoke TILL ID", "record choices that a till has signed; say which keys of tills count", consentCommand},
	{"sign-in", "[--staff NAME | --subject sub_…]", "print a one-time sign-in link, for the console or the privacy centre", signIn},
	{"staff", "list | add NAME --roles R,… | roles NAME --roles R,… | trained NAME --until DAY | lock NAME | unlock NAME | reset NAME | leave NAME", "look after the accounts of staff", staffCommand},
	{"keys", "create NAME SCOPE… | list | revoke ID | rotate-index", "create, list and revoke API keys; give the index of people new keys", keys},
	{"source", "list | add NAME --kind server|browser|app [--origins URL,…] [--consents] | rotate NUMBER [--grace 24h] | end NUMBER", "look after the sources of events and their write keys", sourceCommand},
	{"events", "check | rebuild", "read the whole log of events, and name what cannot be read; build again what is built from it", eventsCommand},
	{"load", "--key KEY [--url URL] [--clients N] [--batch N] [--rate N] [--events N] [--for TIME] [--subjects N] [--visible] [--anywhere] | --catch-up", "send events as fast as they are answered, or at a rate, and print how that went; measure how fast what waits is built in", loadCommand},
	{"eval", "recommend {--train FILE --test FILE | --synthetic PEOPLE,ITEMS,EVENTS} [--recipe NAME] [--forget N] [--tune] [--attack NAME] [--json] | pii --test FILE [--json]", "score the recommender, or the search for personal data in text, on your own files", eval},
	{"verify", "receipt FILE --key KEY | certificate FILE --key KEY | log URL --key KEY [--seen FILE] [--all] | log FOLDER", "check a receipt, or the certificate of an erasure, offline; audit a log from outside, or an installation against its own log", verify},
	{"prove", "unlearning [--subject sub_…] [--sample N] [--seed N] | erasure [--data EMPTY-DIR] | retention", "take people out of the recommender by forgetting and by training anew, and compare; nobody is erased. Or make up a person in a fresh installation, forget them, and look for them in every byte that was written. Or print what expired, and that nothing is older than its schedule", proveCommand},
	{"explain", "dec_… | RECEIPT [--for customer|agent|auditor] [--staff NAME] [--key KEY] [--json]", "do a decision again, compare, and say why it came out so", explain},
	{"models", "list | key | export NAME FILE | verify FILE --key FILE | rollback NAME --reason TEXT", "which models serve; check an exported package offline; go back to the version before", models},
	{"backup", "--to FOLDER --recipients FILE [--whole | --log] [--every TIME] | --check FOLDER [--key KEYS] [--identity FILE --root FOLDER]", "add a sealed backup to a set, also while it serves; read a set to its last byte", backupCommand},
	{"restore", "--from FOLDER --identity FILE --root FOLDER --seen FILE [--at TIME] | --in-place --seen FILE", "put an installation back, without whoever was erased since", restoreCommand},
	{"ledger", "epoch [--seen FILE]", "begin a new epoch of the log, after a database was put back from a backup", ledgerEpoch},
	{"datamap", "[--json | --dpv | --taxonomy]", "print what is kept about people, where, why and for how long", printMap},
	{"packs", "list | explain | test [FILE…] | simulate FILE | hash FILE | sign FILE | verify FILE [flags]", "laws as data: what applies, with its sources, and what a pack would change", packs},
	{"witness", "--name NAME --log KEY… [flags]", "serve a witness for other shops' logs", witness},
	{"config", "", "print the configuration, secrets hidden", printConfig},
	{"version", "", "print the version", func(_ context.Context, c *call) error { fmt.Fprintln(c.out, version); return nil }},
}

// A call is one run of a command.
type call struct {
	flags    *flag.FlagSet
	settings map[string]string // the settings given as flags
	file     string            // the configuration file
	out, err io.Writer
}

// Exit codes: 1 for a failure, 2 for a call that was not understood, 3 for an import
// whose mapping is to be confirmed.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(errs)
		return 2
	}
	for _, cmd := range commands {
		if cmd.name != args[0] {
			continue
		}
		c, err := parse(cmd, args[1:], out, errs)
		if errors.Is(err, flag.ErrHelp) {
			usage(errs)
			return 2
		}
		if err == nil {
			err = cmd.run(ctx, c)
		}
		if err == nil {
			return 0
		}
		fmt.Fprintf(errs, "thimble %s: %s\n", cmd.name, line(err))
		if _, misread := errors.AsType[*misread](err); misread || errors.Is(err, errWords) {
			return 2
		}
		if _, open := errors.AsType[*unconfirmed](err); open {
			return 3
		}
		return 1
	}
	fmt.Fprintf(errs, "thimble: %q is not a command\n", args[0])
	usage(errs)
	return 2
}

// line makes one line of an error, without the kinds that only programs read.
func line(err error) string {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	for _, kind := range []error{thimble.ErrInvalid, thimble.ErrConflict, thimble.ErrNotFound, thimble.ErrUnavailable, thimble.ErrDenied} {
		text = strings.TrimSuffix(text, ": "+kind.Error())
	}
	return text
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "Thimble, an AI customer management system for shops. Commands:")
	for _, cmd := range commands {
		fmt.Fprintf(w, "  thimble %s %s\n      %s\n", cmd.name, cmd.args, cmd.about)
	}
	fmt.Fprintln(w, "\nEvery setting is a flag, an environment variable and a key of thimble.yaml; `thimble config` lists them.")
}

// extra are the flags that single commands have beside the settings.
var extra = map[string]func(*flag.FlagSet){
	"demo": func(f *flag.FlagSet) {
		f.Int("port", 8080, "port to serve on")
		f.Bool("fresh", false, "delete the demo's data folder first")
	},
	"backup":  backupFlags,
	"restore": restoreFlags,
	"import":  importFlags,
	"packs":   packsFlags,
	"staff":   staffFlags,
	"source":  sourceFlags,
	"load":    loadFlags,
	"witness": witnessFlags,
	"models":  modelsFlags,
	"prove":   proveFlags,
	"datamap": datamapFlags,
	"sign-in": func(f *flag.FlagSet) {
		f.String("staff", "owner", "name of the staff account")
		f.String("subject", "", "sub_… of a customer: a link for the privacy centre instead")
	},
	"eval": func(f *flag.FlagSet) {
		f.String("train", "", "training file; a line is a user then its items, blank-separated; gzipped or not")
		f.String("test", "", "test file of the same form; for pii a JSON list of full_text and spans; gzipped or not")
		f.Int("forget", 0, "delete so many people one by one, and compare with a retrained model")
		f.Bool("tune", false, "choose hyper-parameters on a validation part of train")
		f.String("recipe", "default", "default, quality (more neighbours, slower deletion), or a recipe's JSON")
		f.String("synthetic", "", "PEOPLE,ITEMS,EVENTS: time a made-up shop of that size instead of files")
		attackFlags(f)
		f.Bool("json", false, "print one JSON object")
	},
	"verify": func(f *flag.FlagSet) {
		f.String("key", "", "the log's verifier key, as the console's ledger page shows it")
		f.String("seen", "", "file that keeps the last checkpoint seen of the log; by default log-….checkpoint here")
		f.Bool("all", false, "read every leaf again, not only those since the last audit")
	},
	"explain": func(f *flag.FlagSet) {
		f.String("for", "customer", "who reads it: customer, agent or auditor")
		f.String("staff", "", "who you are; the customer sees who opened their decision")
		f.String("key", "", "the log's verifier key, to check a receipt with")
		f.Bool("json", false, "print one JSON object")
	},
	"ledger": func(f *flag.FlagSet) {
		f.String("seen", "", "file with the last checkpoint that a witness or an auditor saw")
	},
}

func parse(cmd command, args []string, out, errs io.Writer) (*call, error) {
	c := &call{flags: flag.NewFlagSet(cmd.name, flag.ContinueOnError), settings: map[string]string{}, out: out, err: errs}
	c.flags.SetOutput(io.Discard) // the error says it in one line
	c.flags.StringVar(&c.file, "config", "", "configuration file; thimble.yaml when there is one")
	app.Flags(func(key, usage, _ string) {
		c.flags.Func(key, usage, func(v string) error { c.settings[key] = v; return nil })
	})
	if add := extra[cmd.name]; add != nil {
		add(c.flags)
	}
	// Flags may stand before and after the words.
	var words []string
	for len(args) > 0 {
		if err := c.flags.Parse(args); err != nil {
			return nil, &misread{err}
		}
		args = c.flags.Args()
		if len(args) > 0 {
			words, args = append(words, args[0]), args[1:]
		}
	}
	return c, c.flags.Parse(append([]string{"--"}, words...))
}

// misread is the error of flags that were not understood.
type misread struct{ error }

// Unwrap returns what the flags said.
func (m *misread) Unwrap() error { return m.error }

// config loads the configuration of the call.
func (c *call) config() (app.Config, error) { return app.Load(c.settings, os.Getenv, c.file) }

// open opens the installation of the call. Logs go to standard error.
func (c *call) open(ctx context.Context) (*app.App, error) {
	cfg, err := c.config()
	if err != nil {
		return nil, err
	}
	return app.Open(ctx, cfg, logger(cfg, c.err))
}

func logger(cfg app.Config, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.LogLevel)) // checked with the configuration
	opt := &slog.HandlerOptions{Level: level}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opt))
	}
	return slog.New(slog.NewTextHandler(w, opt))
}

func printConfig(_ context.Context, c *call) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	return cfg.Print(c.out)
}

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, thimble.ErrInvalid)...)
}
