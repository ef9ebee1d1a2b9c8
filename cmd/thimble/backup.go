package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"

	"thimble/internal/app"
	"thimble/internal/backup"
)

func backupFlags(f *flag.FlagSet) {
	f.String("to", "", "folder of the set that the backup is added to; it is made when there is none")
	f.String("recipients", "", "file with age recipients, one a line: who may open the set together with the root")
	f.Bool("log", false, "add only what is new in the log of events, and the keys; the rest is that of the backup before")
	f.Bool("whole", false, "copy core whole, and not what changed in it since the backup before of the same day")
	f.Duration("every", 0, "go on and make a backup this often, such as 10m, until the process is told to end; one that fails is told and tried again")
	f.String("check", "", "folder of a set: read every byte of it instead")
	f.String("key", "", "for --check: the ledger's verifier keys, with blanks between; by default those that are kept apart")
	f.String("identity", "", "for --check: file with an age identity, to open every object as well")
	f.String("root", "", "for --check with --identity: folder of root.age and root.identity")
}

func restoreFlags(f *flag.FlagSet) {
	f.String("from", "", "folder of the set")
	f.String("identity", "", "file with an age identity that opens the set")
	f.String("root", "", "folder of root.age, and of root.identity where there is no passphrase")
	f.String("seen", "", "file with the last checkpoint of the ledger that a witness or an auditor saw")
	f.String("at", "", "an instant such as 2026-11-30T12:00:00Z; by default the newest backup")
	f.Bool("in-place", false, "the databases were put back by other means: apply the tombstones and begin a new epoch")
}

// backupCommand makes or checks backups. The installation may serve meanwhile.
func backupCommand(ctx context.Context, c *call) error {
	to, check := c.flag("to"), c.flag("check")
	if c.flags.NArg() != 0 || (to == "") == (check == "") {
		return errWords
	}
	if check != "" {
		return c.checkSet(ctx, check)
	}
	text, err := c.content("recipients")
	if err != nil {
		return err
	}
	recipients, err := backup.Recipients(string(text))
	if err != nil {
		return fmt.Errorf("--recipients: %w", err)
	}
	is := func(name string) bool { return c.flags.Lookup(name).Value.(flag.Getter).Get().(bool) }
	if is("log") && is("whole") {
		return invalid("--log and --whole exclude each other")
	}
	b := app.Backup{Set: to, To: recipients, LogOnly: is("log"), Whole: is("whole")}
	every := c.flags.Lookup("every").Value.(flag.Getter).Get().(time.Duration)
	if every == 0 {
		return c.backUp(ctx, b)
	}
	if every < leastEvery {
		return invalid("--every: %s at least was expected", leastEvery)
	}
	return c.keepBackingUp(ctx, b, every)
}

// leastEvery is how short a cycle may be.
const leastEvery = time.Second

// keepBackingUp makes a backup each time, until ctx ends. The first must succeed, so that what is
// wrong with the words is told at once; then what fails is told, and tried again at the next time.
func (c *call) keepBackingUp(ctx context.Context, b app.Backup, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	err := c.backUp(ctx, b)
	for err == nil || ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if failed := c.backUp(ctx, b); failed != nil && ctx.Err() == nil {
			fmt.Fprintf(c.err, "thimble backup: %v; it is tried again in %s\n", failed, every)
		}
	}
	return err
}

// backUp makes one backup, and says what it has.
func (c *call) backUp(ctx context.Context, b app.Backup) error {
	return with(ctx, c, func(a *app.App) error {
		done, err := a.Backup(ctx, b)
		if err != nil {
			return err
		}
		m := done.Manifest
		fmt.Fprintf(c.out, "Backup %d is in %s.\n  core        as of %s, %s\n  log         %d frames as of %s, %d of %d parts were new\n  keys        as of %s\n  models      %d\n  tombstones  %d, kept apart\n  written     %d bytes\n  checkpoint  %s\n",
			m.Number, b.Set, stamp(m.Core.Taken), coreSaid(done), m.Log.Last, stamp(m.Log.Taken), done.Parts, len(m.Log.Parts), stamp(m.Keys.Taken), len(m.Models), m.Tombstones.Count, done.Wrote, done.Seen)
		if done.Pruned > 0 {
			fmt.Fprintf(c.out, "  removed     %d objects that no living backup names\n", done.Pruned)
		}
		return nil
	})
}

// coreSaid says how much of core was copied.
func coreSaid(done app.BackedUp) string {
	switch core := done.Manifest.Core; {
	case done.Core == 0:
		return "as it was in the backup before"
	case len(core.Parts) == 1:
		return fmt.Sprintf("whole: %d bytes", done.Core)
	default:
		return fmt.Sprintf("what changed: %d of %d bytes, change %d on a whole copy", done.Core, core.Bytes, len(core.Parts)-1)
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// content reads the file that a flag names, which is needed.
func (c *call) content(name string) ([]byte, error) {
	path := c.flag(name)
	if path == "" {
		return nil, invalid("--%s is needed: %s", name, c.flags.Lookup(name).Usage)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, invalid("--%s: %s cannot be read", name, filepath.Base(path))
	}
	return b, nil
}

func (c *call) identities() ([]age.Identity, error) {
	text, err := c.content("identity")
	if err != nil {
		return nil, err
	}
	return backup.Identities(string(text))
}

// checkSet reads a set without an installation.
func (c *call) checkSet(ctx context.Context, dir string) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	keys := strings.Fields(c.flag("key"))
	if len(keys) == 0 && cfg.Apart != "" {
		kept, err := backup.ReadApart(cfg.Apart)
		if err != nil {
			return err
		}
		keys = kept.Keys
	}
	set, err := backup.OpenSet(dir)
	if err != nil {
		return err
	}
	all, err := set.Manifests(keys...)
	if err != nil {
		return err
	}
	for _, m := range all {
		bytes, err := set.Check(ctx, m)
		if err != nil {
			return fmt.Errorf("backup %d of %s: %w", m.Number, stamp(m.Taken()), err)
		}
		fmt.Fprintf(c.out, "Backup %d of %s is whole: %d objects, %d bytes.\n", m.Number, stamp(m.Taken()), len(m.Objects()), bytes)
	}
	if len(all) == 0 {
		return invalid("the set has no backup")
	}
	last := all[len(all)-1]
	if len(keys) == 0 {
		fmt.Fprintf(c.out, "The manifests are signed by the key that they name; compare it with the one you keep, or give that with --key:\n%s\n", last.Key)
	}
	if c.flag("identity") == "" {
		return nil
	}
	return c.openSet(ctx, cfg, set, last)
}

// openSet opens every object of a backup, and writes nothing.
func (c *call) openSet(ctx context.Context, cfg app.Config, set *backup.Set, m *backup.Manifest) error {
	ids, err := c.identities()
	if err != nil {
		return err
	}
	ring, err := app.OpenRing(ctx, cfg, c.flag("root"), m)
	if err != nil {
		return err
	}
	var bytes int64
	for _, o := range m.Objects() {
		if err := errors.Join(ctx.Err(), set.Open(o, ids, ring[o.Name], io.Discard)); err != nil {
			return err
		}
		bytes += o.Bytes
	}
	fmt.Fprintf(c.out, "Backup %d opens: %d bytes in %d objects.\n", m.Number, bytes, len(m.Objects()))
	return nil
}

// restoreCommand puts an installation back. Nobody is served before it has ended.
func restoreCommand(ctx context.Context, c *call) error {
	cfg, err := c.config()
	if err != nil {
		return err
	}
	inPlace := c.flags.Lookup("in-place").Value.(flag.Getter).Get().(bool)
	if c.flags.NArg() != 0 || inPlace == (c.flag("from") != "") {
		return errWords
	}
	seen, err := c.content("seen")
	if err != nil {
		return err
	}
	var done app.Restored
	if inPlace {
		done, err = app.RiseInPlace(ctx, cfg, seen, logger(cfg, c.err))
	} else {
		done, err = c.putBack(ctx, cfg, seen)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "The installation is back in %s.\n", cfg.Data)
	if !done.Core.IsZero() {
		fmt.Fprintf(c.out, "  core        as of %s\n  log         %d frames as of %s\n", stamp(done.Core), done.Frames, stamp(done.Log))
	}
	fmt.Fprintf(c.out, "  tombstones  %d applied; %d people who were in it and erased since are erased again\n", done.Tombstones, done.Erased)
	fmt.Fprintf(c.out, "  audit       %d entries and %d rows compared, %d findings\n", done.Audit.Size, done.Audit.Compared, len(done.Audit.Findings))
	for _, f := range done.Audit.Findings {
		fmt.Fprintf(c.out, "    %s: %s (%d)\n", f.Table, f.Rule, f.Rows)
	}
	c.restoreTimes(done.Steps)
	fmt.Fprintf(c.out, "Epoch %d of the log has begun. Its verifier key, for witnesses and whoever checks receipts:\n%s\n", done.Epoch, done.Key)
	if len(done.Audit.Findings) > 0 {
		return errFound
	}
	return nil
}

// restoreTimes prints what took how long: the time that a shop is down for.
func (c *call) restoreTimes(steps []app.Step) {
	var all time.Duration
	for _, s := range steps {
		all += s.Took
	}
	fmt.Fprintf(c.out, "  took        %s\n", all.Round(time.Millisecond))
	for _, s := range steps {
		line := fmt.Sprintf("    %-34s%9s", s.Name, s.Took.Round(time.Millisecond))
		if s.Bytes > 0 {
			line += fmt.Sprintf("  %d bytes, %.1f MiB/s", s.Bytes, float64(s.Bytes)/(1<<20)/max(s.Took.Seconds(), 1e-6))
		}
		fmt.Fprintln(c.out, line)
	}
}

func (c *call) putBack(ctx context.Context, cfg app.Config, seen []byte) (app.Restored, error) {
	r := app.Restore{Set: c.flag("from"), Root: c.flag("root"), Seen: seen}
	if r.Root == "" {
		return app.Restored{}, invalid("--root is needed: %s", c.flags.Lookup("root").Usage)
	}
	var err error
	if text := c.flag("at"); text != "" {
		if r.At, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return app.Restored{}, invalid("--at: an instant was expected, such as 2026-11-30T12:00:00Z")
		}
	}
	if r.Identities, err = c.identities(); err != nil {
		return app.Restored{}, err
	}
	return app.PutBack(ctx, cfg, r, logger(cfg, c.err))
}
