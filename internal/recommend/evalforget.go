package recommend

import (
	"context"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"time"
)

func hexHash(m *Model) string {
	h := m.Hash()
	return hex.EncodeToString(h[:])
}

// forget deletes people, then trains anew without them and counts what differs.
func (out *Metrics) forget(ctx context.Context, m *Model, d *Dataset, c EvalConfig) error {
	m, err := out.forgetOneByOne(ctx, m, d, c)
	if err != nil {
		return err
	}
	fresh, err := Train(ctx, m.recipe, d, c.stage("retrain"))
	if err != nil {
		return err
	}
	wrong := differences(m, fresh)
	out.ForgetMismatches = &wrong
	return nil
}

// forgetOneByOne deletes people chosen by a fixed seed, and returns the model
// without them.
func (out *Metrics) forgetOneByOne(ctx context.Context, m *Model, d *Dataset, c EvalConfig) (*Model, error) {
	var millis, cpu, columns []float64
	tell := c.stage("forget")
	order := rand.New(rand.NewPCG(8, 8)).Perm(len(d.histories))
	for _, user := range order[:min(c.Forget, len(order))] {
		start, before := time.Now(), cpuSeconds()
		next, affected, err := m.Forget(ctx, d, evalPerson(user))
		if err != nil {
			return nil, err
		}
		m = next
		millis = append(millis, float64(time.Since(start).Nanoseconds())/1e6)
		cpu = append(cpu, 1000*(cpuSeconds()-before))
		columns = append(columns, float64(affected))
		if tell != nil {
			tell(len(millis), c.Forget)
		}
	}
	of := func(values []float64, p int) *float64 {
		v := percentile(values, p)
		return &v
	}
	out.ForgetP50, out.ForgetP95, out.ForgetColumns = of(millis, 50), of(millis, 95), of(columns, 50)
	out.ForgetCPU50, out.ForgetCPU95 = of(cpu, 50), of(cpu, 95)
	return m, nil
}

// differences counts the weights and thresholds in which two models differ; 1
// when only the rest of their bytes does.
func differences(a, b *Model) int {
	if a.Hash() == b.Hash() {
		return 0
	}
	n := 0
	for i := range a.table.ids {
		n += differentCells(a.row(int32(i)), b.row(int32(i)))
		if a.thresholds[i] != b.thresholds[i] {
			n++
		}
	}
	return max(n, 1)
}

func differentCells(a, b []cell) int {
	n := 0
	for _, c := range a {
		if _, ok := slices.BinarySearch(b, c); !ok {
			n++
		}
	}
	for _, c := range b {
		if _, ok := slices.BinarySearch(a, c); !ok {
			n++
		}
	}
	return n
}
