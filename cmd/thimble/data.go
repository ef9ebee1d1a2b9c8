package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"thimble/internal/collect"
)

func importOrders(ctx context.Context, c *call) error {
	if c.flags.NArg() != 2 || c.flags.Arg(0) != "orders" {
		return errWords
	}
	file := c.flags.Arg(1)
	if _, err := os.Stat(file); err != nil {
		return invalid("%s cannot be read", filepath.Base(file))
	}
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	strict, _ := strconv.ParseBool(c.flags.Lookup("strict").Value.String()) // a boolean flag
	tell := newTeller(c.out)
	move, end := tell.Begin("Importing orders", 0)
	r, err := a.ImportOrders(ctx, collect.File(file), collect.Options{Strict: strict, Progress: func(p collect.Progress) {
		move(p.Bytes * perMille / max(p.Total, 1))
	}})
	end()
	report(tell, r)
	return errors.Join(err, a.Close())
}

// shownRejects bounds how many rejected rows are printed; the console lists more.
const shownRejects = 20

func report(tell teller, r collect.Report) {
	if r.Repeated {
		tell.Say("This file was imported before; nothing was written.")
	}
	if r.Resumed {
		tell.Say("An import that had stopped was taken up again.")
	}
	tell.Say("%d rows: %d orders (%d returns, %d of guests), %d customers met, %d orders known already, %d of forgotten people left out, %d rows rejected.",
		r.Rows, r.Orders, r.Returns, r.Guests, r.Subjects, r.Known, r.Suppressed, r.Rejected)
	for i, reject := range r.Rejects {
		if i == shownRejects {
			tell.Say("  … %d more; the console lists them under Imports", r.Rejected-shownRejects)
			break
		}
		tell.Say("  line %d: %s", reject.Line, reject.Reason.Rule())
	}
	for _, category := range r.Withheld {
		tell.Say("  not collected: %s", category)
	}
}

func verify(ctx context.Context, c *call) error {
	if c.flags.NArg() != 2 {
		return errWords
	}
	switch c.flags.Arg(0) {
	case "log":
		return verifyLog(ctx, c, c.flags.Arg(1))
	case "receipt":
	default:
		return errWords
	}
	text, err := os.ReadFile(c.flags.Arg(1))
	if err != nil {
		return invalid("%s cannot be read", filepath.Base(c.flags.Arg(1)))
	}
	return verifyReceipt(c, text)
}

func verifyReceipt(c *call, text []byte) error {
	opened, err := checkReceipt(text, c.flags.Lookup("key").Value.String())
	if err != nil {
		return err
	}
	fmt.Fprint(c.out, opened)
	return nil
}
