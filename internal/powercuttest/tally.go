package powercuttest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A Tally counts the images of one model, of one trace or several.
type Tally struct {
	Model Model
	Quiet bool // bad images are what is wanted

	Images, Bad, Gaps, Said int
	Took                    time.Duration
}

// A Judge looks at an image that was saved in a folder and says what is wrong. A
// gap is a fault that is known, and counted only.
type Judge func(tb testing.TB, folder string, image Image) (wrong []string, gap bool)

// Explore has n images of a trace judged. Bad ones are errors of the test, and
// kept when go test is told -artifacts.
func (c *Tally) Explore(tb testing.TB, ops []Op, seed uint64, n int, judge Judge) {
	tb.Helper()
	began := time.Now()
	for image := range Images(ops, c.Model, seed, n) {
		folder := filepath.Join(tb.TempDir(), "image")
		if err := image.Save(folder); err != nil {
			tb.Fatal(err)
		}
		wrong, gap := judge(tb, folder, image)
		c.Images, c.Said = c.Images+1, c.Said+len(image.Said)
		if gap {
			c.Gaps++
		}
		if len(wrong) > 0 {
			c.Bad++
		}
		if len(wrong) > 0 && !c.Quiet {
			tb.Errorf("seed %d, %s:\n  %s", seed, image, strings.Join(wrong, "\n  "))
			kept := filepath.Join(tb.ArtifactDir(), fmt.Sprintf("image-%d-%s-%d", seed, image.Model, image.Number))
			err := image.Save(kept)
			if err = errors.Join(err, os.WriteFile(filepath.Join(kept, "said"), []byte(strings.Join(image.Said, "\n")), 0o600)); err != nil {
				tb.Error(err)
			}
		}
		if err := os.RemoveAll(folder); err != nil {
			tb.Error(err)
		}
	}
	c.Took += time.Since(began)
}

// String returns the counts.
func (c *Tally) String() string {
	return fmt.Sprintf("model %s: %d images, %d bad, %d with known gaps, %d lines said before a cut on average, %.1f images/s",
		c.Model, c.Images, c.Bad, c.Gaps, c.Said/max(c.Images, 1), float64(c.Images)/max(c.Took.Seconds(), 1e-9))
}
