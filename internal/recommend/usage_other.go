//go:build !unix

package recommend

// Other systems do not tell: evaluation prints 0.
func cpuSeconds() float64 { return 0 }
func peakRSSMB() float64  { return 0 }
