package recommend

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"thimble"
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

const (
	littleTrain = "ada shirt shoes\nbob shirt shoes hat\n\ncleo shirt hat\ndan shoes\neve shirt"
	littleTest  = "dan shirt\neve shoes hat\nfay shirt\n"
)

func little() EvalConfig {
	return EvalConfig{Train: strings.NewReader(littleTrain), Test: strings.NewReader(littleTest)}
}

// Dan is shown the shirt and the hat, Eve the shoes and the hat, Fay nothing:
// recall is (1 + 1 + 0)/3.
func TestEvaluationJudgesEveryUserWithTestItems(t *testing.T) {
	got, err := Evaluate(t.Context(), little())
	if err != nil {
		t.Fatal(err)
	}
	if got.TestSize != 3 || math.Abs(got.Recall-2.0/3) > 1e-12 || got.Coverage != 1 {
		t.Errorf("%d users, recall %.3f, coverage %.3f, want 3, 0.667, 1", got.TestSize, got.Recall, got.Coverage)
	}
	if got.Stats.People != 5 || got.Stats.Items != 3 || got.Stats.Interactions != 9 {
		t.Errorf("stats = %+v", got.Stats)
	}
}

func TestScoresFollowTheProtocol(t *testing.T) {
	recall, ndcg := score([]int32{7, 3, 9}, []int32{3, 4})
	wantNDCG := (1 / math.Log2(3)) / (1 + 1/math.Log2(3))
	if recall != 0.5 || math.Abs(ndcg-wantNDCG) > 1e-12 {
		t.Errorf("recall %g, ndcg %g, want 0.5, %g", recall, ndcg, wantNDCG)
	}
}

func TestEvaluationForgetsAndTunes(t *testing.T) {
	c := little()
	c.Forget, c.Tune = 3, true
	stages := map[string]bool{}
	c.Progress = func(stage string, done, total int) { stages[stage] = done <= total }
	got, err := Evaluate(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if got.ForgetMismatches == nil || *got.ForgetMismatches != 0 || got.ForgetP95 == nil {
		t.Errorf("forgetting: %v mismatches", got.ForgetMismatches)
	}
	if !strings.Contains(got.ChosenOn, "validation part of train") {
		t.Errorf("hyper-parameters were chosen on %q", got.ChosenOn)
	}
	for _, stage := range []string{"tune", "train", "forget", "retrain"} {
		if !stages[stage] {
			t.Errorf("stage %s was not reported, or too far", stage)
		}
	}
}

func TestMetricsHaveTheKeysOfTheDesign(t *testing.T) {
	c := little()
	c.Forget = 1
	got, err := Evaluate(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]any
	if err := json.Unmarshal(text, &keys); err != nil {
		t.Fatal(err)
	}
	for _, key := range strings.Fields("recall@20 ndcg@20 train_s train_cpu_s peak_rss_mb model_mb " +
		"serve_p50_us serve_p99_us forget_p50_ms forget_p95_ms forget_mismatches") {
		if _, ok := keys[key].(float64); !ok {
			t.Errorf("%s = %v, want a number", key, keys[key])
		}
	}
}

func TestEvaluationRefusesAnEmptyTrainFile(t *testing.T) {
	_, err := Evaluate(t.Context(), EvalConfig{Train: strings.NewReader("ada\n"), Test: strings.NewReader("")})
	if !errors.Is(err, thimble.ErrInvalid) {
		t.Errorf("error = %v, want invalid", err)
	}
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
