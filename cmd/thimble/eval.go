package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"text/tabwriter"

	"thimble/internal/recommend"
)

// eval scores a capability on the user's own files.
func eval(ctx context.Context, c *call) error {
	if c.flags.NArg() != 1 {
		return errWords
	}
	switch c.flags.Arg(0) {
	case "recommend":
		return evalRecommend(ctx, c)
	case "pii":
		return evalPII(c)
	}
	return errWords
}

func evalRecommend(ctx context.Context, c *call) error {
	flag := func(name string) string { return c.flags.Lookup(name).Value.String() }
	recipe, err := recommend.NamedRecipe(flag("recipe"))
	if err != nil {
		return err
	}
	tune, _ := strconv.ParseBool(flag("tune")) // a boolean flag
	forget, _ := strconv.Atoi(flag("forget"))  // an int flag
	config := recommend.EvalConfig{Recipe: recipe, Tune: tune, Forget: forget, Progress: stages(newTeller(c.err))}
	if size := flag("synthetic"); size != "" {
		return evalSynthetic(ctx, c, size, config)
	}
	train, err := openText(flag("train"))
	if err != nil {
		return err
	}
	defer train.Close() //nolint:errcheck // it was only read
	test, err := openText(flag("test"))
	if err != nil {
		return err
	}
	defer test.Close() //nolint:errcheck // it was only read
	if flag("attack") != "" {
		return evalAttack(ctx, c, train, test)
	}
	config.Train, config.Test = train, test
	m, err := recommend.Evaluate(ctx, config)
	if err != nil {
		return err
	}
	return tellMetrics(c, m)
}

func evalSynthetic(ctx context.Context, c *call, size string, config recommend.EvalConfig) error {
	var people, items, events int
	if n, err := fmt.Sscanf(size, "%d,%d,%d", &people, &items, &events); n != 3 || err != nil {
		return invalid("--synthetic is three numbers: people,items,events")
	}
	m, err := recommend.EvaluateSynthetic(ctx, config, people, items, events)
	if err != nil {
		return err
	}
	return tellMetrics(c, m)
}

func tellMetrics(c *call, m recommend.Metrics) error {
	if asJSON, _ := strconv.ParseBool(c.flags.Lookup("json").Value.String()); asJSON {
		return json.NewEncoder(c.out).Encode(m)
	}
	return printMetrics(c.out, m)
}

// stages tells of each stage as it begins.
func stages(tell teller) func(string, int, int) {
	stage := ""
	return func(name string, _, _ int) {
		if name != stage {
			stage = name
			tell.Say("%s…", name)
		}
	}
}

// A textFile is a file, unzipped if its content is gzipped.
type textFile struct {
	io.Reader
	file *os.File
}

// Close implements io.Closer.
func (t textFile) Close() error { return t.file.Close() }

func openText(path string) (textFile, error) {
	if path == "" {
		return textFile{}, invalid("--train and --test are needed: a line is a user then its items, blank-separated")
	}
	f, err := os.Open(path)
	if err != nil {
		return textFile{}, invalid("%s cannot be read", filepath.Base(path))
	}
	buffered := bufio.NewReader(f)
	if magic, err := buffered.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return textFile{}, errors.Join(invalid("%s: %v", filepath.Base(path), err), f.Close())
		}
		return textFile{Reader: unzipped, file: f}, nil
	}
	return textFile{Reader: buffered, file: f}, nil
}

// printMetrics prints the keys of the JSON form as a table.
func printMetrics(w io.Writer, m recommend.Metrics) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var values map[string]any
	if err := dec.Decode(&values); err != nil {
		return err
	}
	for _, key := range []string{
		"recall@20", "ndcg@20", "coverage@20", "novelty@20", "test_users", "train_s", "train_cpu_s", "peak_rss_mb", "model_mb", "serve_p50_us", "serve_p99_us", "rank_p50_us", "rank_p99_us",
		"forget_p50_ms", "forget_p95_ms", "forget_cpu_p50_ms", "forget_cpu_p95_ms", "forget_columns_p50", "forget_mismatches", "chosen_on", "model_sha256",
	} {
		if v, ok := values[key]; ok {
			fmt.Fprintf(tab, "%s\t%v\n", key, v)
		}
	}
	return tab.Flush()
}
