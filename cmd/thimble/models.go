package main

import (
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"thimble/internal/app"
	"thimble/internal/recommend/lists"
	"thimble/internal/registry"
	"thimble/internal/registry/registrydb"
)

func modelsFlags(f *flag.FlagSet) {
	f.String("key", "", "file with the public key that must have signed; the console's page Models and models key show it")
	f.String("reason", "", "why; it is kept in the ledger")
}

func models(ctx context.Context, c *call) error {
	run, want := map[string]func(context.Context, *call) error{
		"list": listModels, "key": modelKeys, "export": exportModel, "verify": verifyModel, "rollback": rollbackModel,
	}[c.flags.Arg(0)], map[string]int{"list": 1, "key": 1, "export": 3, "verify": 2, "rollback": 2}[c.flags.Arg(0)]
	if run == nil || c.flags.NArg() != want {
		return errWords
	}
	return run(ctx, c)
}

// with opens the installation for one look at its models.
func with(ctx context.Context, c *call, do func(*app.App) error) error {
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer a.Close() //nolint:errcheck // what was done has committed
	return do(a)
}

func listModels(ctx context.Context, c *call) error {
	return with(ctx, c, func(a *app.App) error {
		lines, err := a.Models.Lines(ctx)
		if err != nil {
			return err
		}
		if len(lines) == 0 {
			fmt.Fprintln(c.out, "No model yet: the first training makes one.")
		}
		for _, l := range lines {
			fmt.Fprintf(c.out, "%s\n", l.Model)
			all, err := a.Models.Kept(ctx, l.Model)
			if err != nil {
				return err
			}
			if len(all) == 0 {
				fmt.Fprintln(c.out, "  no version is kept: nothing serves")
			}
			for _, v := range all {
				audit := "unaudited"
				if v.Card.Audited() {
					audit = "audited"
				}
				fmt.Fprintf(c.out, "  v%-4d %-10s %s  %d people  %s  weights %s…\n", v.Number, v.Stage, v.MadeAt.Format("2006-01-02 15:04"), v.Card.Data.People, audit, hex.EncodeToString(v.Hash[:6]))
			}
		}
		return nil
	})
}

func modelKeys(ctx context.Context, c *call) error {
	return with(ctx, c, func(a *app.App) error {
		all, err := a.Models.Keys(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(k registrydb.SigningKey) bool { return k.Revoked.IsZero() })
		if i < 0 {
			return invalid("no key has signed yet: train a model first")
		}
		fmt.Fprint(c.out, all[i].PEM)
		return nil
	})
}

func exportModel(ctx context.Context, c *call) error {
	return with(ctx, c, func(a *app.App) error {
		v, err := a.Models.Champion(ctx, c.flags.Arg(1))
		if err != nil {
			return invalid("no version of %q serves; thimble models list shows the names", c.flags.Arg(1))
		}
		content, err := a.Models.Export(ctx, v)
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.flags.Arg(2), content, 0o644); err != nil {
			return invalid("%s cannot be written", filepath.Base(c.flags.Arg(2)))
		}
		fmt.Fprintf(c.out, "Version %d of %s: %d bytes.\n", v.Number, v.Model, len(content))
		return nil
	})
}

// verifyModel checks a package, or a signed folder, offline: no installation is opened.
func verifyModel(_ context.Context, c *call) error {
	name := c.flags.Lookup("key").Value.String()
	if name == "" {
		return invalid("--key is needed: a file with the public key, as thimble models key prints it")
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return invalid("%s cannot be read", filepath.Base(name))
	}
	key, err := registry.ParseKey(text)
	if err != nil {
		return err
	}
	trust, path := registry.Trust{Keys: []registry.Key{key}}, c.flags.Arg(1)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return verifySigned(c, path, trust)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return invalid("%s cannot be read", filepath.Base(path))
	}
	p, err := registry.Open(content, trust)
	if err != nil {
		return err
	}
	audit := p.Card.Unaudited
	if p.Card.Audited() {
		audit = "audited by " + p.Card.Audit.By
	}
	fmt.Fprintf(c.out, "The package is genuine.\n  model    %s, version %d\n  weights  %s\n  learned  from %d people, %d purchases, %s to %s\n  fairness %s\n  signed   by %s\n",
		p.Card.Model, p.Card.Version, p.Lineage.Weights, p.Card.Data.People, p.Card.Data.Interactions, p.Card.Data.From, p.Card.Data.To, audit, p.Signer)
	return nil
}

func verifySigned(c *call, dir string, trust registry.Trust) error {
	var files []registry.File
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !d.Type().IsRegular() {
			return registry.Refuse(registry.RuleLink, "")
		}
		content, err := os.ReadFile(path)
		name, _ := strings.CutPrefix(filepath.ToSlash(path), strings.TrimSuffix(filepath.ToSlash(filepath.Clean(dir)), "/")+"/")
		files = append(files, registry.File{Name: name, Content: content})
		return err
	})
	if err != nil {
		return err
	}
	s, err := registry.VerifyFiles(files, trust)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "The folder is what was signed: %d files of %q.\n", len(s.Resources), s.Name)
	return nil
}

func rollbackModel(ctx context.Context, c *call) error {
	o := registrydb.Order{Reason: c.flags.Lookup("reason").Value.String(), By: "command"}
	if o.Check() != nil {
		return invalid("--reason is needed, in at most 500 bytes: it is kept in the ledger, and names nobody")
	}
	if c.flags.Arg(1) != lists.ModelName {
		return invalid("%q is no model that can be rolled back; thimble models list shows the names", c.flags.Arg(1))
	}
	return with(ctx, c, func(a *app.App) error {
		v, err := a.Shop.Rollback(ctx, o)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "Version %d serves. A server that runs takes it up within seconds.\n", v.Number)
		return nil
	})
}
