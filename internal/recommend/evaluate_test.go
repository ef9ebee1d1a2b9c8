package recommend

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// openData opens a public data set that lies outside the repository, or skips.
func openData(t *testing.T, name string) io.Reader {
	t.Helper()
	folder := os.Getenv("THIMBLE_EVAL_DATA")
	if folder == "" {
		t.Skip("set THIMBLE_EVAL_DATA to a folder with public data sets to evaluate on them")
	}
	f, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestGowallaIsRankedAsWellAsTheReference(t *testing.T) {
	r := DefaultRecipe()
	if s := os.Getenv("THIMBLE_EVAL_RECIPE"); s != "" {
		if err := json.Unmarshal([]byte(s), &r); err != nil {
			t.Fatal(err)
		}
	}
	forget, _ := strconv.Atoi(os.Getenv("THIMBLE_EVAL_FORGET"))
	got, err := Evaluate(t.Context(), EvalConfig{
		Train: openData(t, "gowalla/train.txt.gz"), Test: openData(t, "gowalla/test.txt.gz"),
		Recipe: r, Forget: forget, Tune: os.Getenv("THIMBLE_EVAL_TUNE") != "",
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", text)
	if got.Recall < 0.187 || got.NDCG < 0.155 {
		t.Errorf("recall@20 %.4f, ndcg@20 %.4f, want about .189 and .157", got.Recall, got.NDCG)
	}
}
