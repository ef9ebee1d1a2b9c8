package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

func verify(ctx context.Context, c *call) error {
	if c.flags.NArg() != 2 {
		return errWords
	}
	switch c.flags.Arg(0) {
	case "log":
		return verifyLog(ctx, c, c.flags.Arg(1))
	case "receipt", "certificate":
	default:
		return errWords
	}
	text, err := os.ReadFile(c.flags.Arg(1))
	if err != nil {
		return invalid("%s cannot be read", filepath.Base(c.flags.Arg(1)))
	}
	if c.flags.Arg(0) == "certificate" {
		return verifyCertificate(c, text)
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
