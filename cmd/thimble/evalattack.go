package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"thimble/internal/recommend"
)

func attackFlags(f *flag.FlagSet) {
	f.String("attack", "", "push cold items by made-up accounts: "+strings.Join(recommend.AttackKinds(), ", "))
	f.Float64("share", 3, "with --attack, made-up accounts in per cent of the people")
	f.Int("targets", 20, "with --attack, how many items are pushed, one after the other")
	f.String("segments", "", "with --attack, JSON object of items to the numbers of what they are of, such as categories; gzipped or not")
}

// evalAttack attacks a model that is trained on the user's own files.
func evalAttack(ctx context.Context, c *call, train, test textFile) error {
	flag := func(name string) string { return c.flags.Lookup(name).Value.String() }
	share, _ := strconv.ParseFloat(flag("share"), 64) // a float flag
	targets, _ := strconv.Atoi(flag("targets"))       // an int flag
	a := recommend.AttackConfig{
		Train: train, Test: test, Kind: flag("attack"), Targets: targets,
		Share: int(math.Round(10 * share)), Progress: stages(newTeller(c.err)),
	}
	if path := flag("segments"); path != "" {
		segments, err := openText(path)
		if err != nil {
			return err
		}
		defer segments.Close() //nolint:errcheck // it was only read
		a.Segments = segments
	}
	m, err := recommend.EvaluateAttack(ctx, a)
	if err != nil {
		return err
	}
	if asJSON, _ := strconv.ParseBool(flag("json")); asJSON {
		return json.NewEncoder(c.out).Encode(m)
	}
	tab := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, row := range m.Rows() {
		fmt.Fprintf(tab, "%s\t%v\n", row.Key, row.Value)
	}
	return tab.Flush()
}
