package main

import (
	"context"
	"flag"

	"thimble/internal/datamap"
)

func datamapFlags(f *flag.FlagSet) {
	f.Bool("json", false, "print one JSON object")
	f.Bool("dpv", false, "print JSON-LD in the terms of the Data Privacy Vocabulary")
	f.Bool("taxonomy", false, "print the categories and what each is kept for")
}

// printMap needs no installation: the map is part of the program.
func printMap(_ context.Context, c *call) error {
	if c.flags.NArg() > 0 {
		return errWords
	}
	on := func(name string) bool { return c.flags.Lookup(name).Value.String() == "true" }
	chosen := 0
	for _, name := range []string{"json", "dpv", "taxonomy"} {
		if on(name) {
			chosen++
		}
	}
	switch {
	case chosen > 1:
		return invalid("--json, --dpv and --taxonomy exclude each other; give one")
	case on("json"):
		return datamap.WriteJSON(c.out, datamap.All())
	case on("dpv"):
		return datamap.WriteDPV(c.out, datamap.All())
	case on("taxonomy"):
		return datamap.WriteTaxonomy(c.out)
	}
	return datamap.WriteTable(c.out, datamap.All())
}
