package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"thimble"
	"thimble/internal/app"
	"thimble/internal/recommend/lists"
)

func proveFlags(f *flag.FlagSet) {
	f.String("subject", "", "sub_… of a customer who is taken out")
	f.Int("sample", 3, "how many customers are drawn and taken out, one by one")
	f.Uint64("seed", 1, "of the draw")
}

// proveCommand shows that models forget, on the installation's own data, where nobody is
// erased; or that an erasure reaches every byte, in a fresh installation.
func proveCommand(ctx context.Context, c *call) error {
	switch {
	case c.flags.NArg() == 1 && c.flags.Arg(0) == "erasure":
		return proveErasure(ctx, c)
	case c.flags.NArg() == 1 && c.flags.Arg(0) == "retention":
		return proveRetention(ctx, c)
	case c.flags.NArg() != 1 || c.flags.Arg(0) != "unlearning":
		return errWords
	}
	var subjects []thimble.SubjectID
	if text := c.flags.Lookup("subject").Value.String(); text != "" {
		who, err := thimble.ParseSubjectID(text)
		if err != nil {
			return err
		}
		subjects = append(subjects, who)
	}
	sample := c.flags.Lookup("sample").Value.(flag.Getter).Get().(int)
	seed := c.flags.Lookup("seed").Value.(flag.Getter).Get().(uint64)
	return with(ctx, c, func(a *app.App) error {
		p, err := a.Shop.Prove(ctx, subjects, max(sample, 0), seed)
		if errors.Is(err, thimble.ErrNotFound) {
			return invalid("no model serves: nobody is in one")
		}
		if err != nil {
			return err
		}
		if err := a.Uses.Flush(ctx); err != nil { // that people's orders were read for this
			return err
		}
		return c.proved(p, len(subjects), seed)
	})
}

// proved prints what was compared.
func (c *call) proved(p lists.Proof, named int, seed uint64) error {
	said := func(same bool) string {
		if same {
			return "the same"
		}
		return "NOT THE SAME"
	}
	v := p.Version
	fmt.Fprintf(c.out, "Version %d of %s serves: %d people, %d products, weights %x….\n", v.Number, v.Model, v.Card.Data.People, v.Card.Data.Items, v.Hash[:6])
	fmt.Fprintf(c.out, "Trained again from the store: %x…, %s (%s).\n", p.Anew[:6], said(p.Served()), p.Took.Round(time.Millisecond))
	if p.Waiting > 0 {
		fmt.Fprintf(c.out, "%d changes wait to be taken out of it; nothing that knew these people is shown meanwhile.\n", p.Waiting)
	}
	if drawn := len(p.Cases) - named; drawn > 0 {
		fmt.Fprintf(c.out, "%d people were drawn, seed %d.\n", drawn, seed)
	}
	for i, one := range p.Cases {
		fmt.Fprintf(c.out, "Without person %d: %d of %d columns solved again in %s, weights %x…; trained from the store without them in %s: %x…, %s. Put back: %s.\n",
			i+1, one.Columns, one.Items, one.Took.Round(time.Millisecond), one.Solved[:6], one.Trained.Round(time.Millisecond), one.Anew[:6], said(one.Solved == one.Anew), said(one.Back))
		if !one.In {
			fmt.Fprintf(c.out, "Person %d is not in the model.\n", i+1)
		}
	}
	switch {
	case p.Holds():
		fmt.Fprintln(c.out, "It holds: forgetting gives what a training without them gives, byte for byte.")
		return nil
	case p.Waiting > 0 && !p.Served():
		return errors.New("somebody is just being taken out of the model; run this again when that is done")
	}
	return errors.New("it does not hold: a model is not what a training from the store gives")
}
