package recommend

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/pprof"
	"testing"
	"time"
)

func TestProbeForget(t *testing.T) {
	name := os.Getenv("FSET")
	if name == "" {
		t.Skip()
	}
	set := probeSet(t, name)
	d := set.dataset(set.train)
	r := DefaultRecipe()
	if e := os.Getenv("CFG"); e != "" {
		json.Unmarshal([]byte("{"+e+"}"), &r)
	}
	m, err := Train(t.Context(), r, d, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, _ := os.Create("/tmp/f.prof")
	pprof.StartCPUProfile(f)
	order := rand.New(rand.NewPCG(8, 8)).Perm(len(d.histories))
	var ms, cols, cpu []float64
	for _, u := range order[:100] {
		t0 := time.Now()
		c0 := cpuSeconds()
		n, a, err := m.Forget(t.Context(), d, evalPerson(u))
		if err != nil {
			t.Fatal(err)
		}
		m = n
		ms = append(ms, float64(time.Since(t0).Nanoseconds())/1e6)
		cpu = append(cpu, (cpuSeconds()-c0)*1e3)
		cols = append(cols, float64(a))
	}
	pprof.StopCPUProfile()
	fmt.Printf("forget wall p50 %.1f p95 %.1f ms; cpu p50 %.1f p95 %.1f; cols p50 %.0f p95 %.0f\n", percentile(ms, 50), percentile(ms, 95), percentile(cpu, 50), percentile(cpu, 95), percentile(cols, 50), percentile(cols, 95))
}
