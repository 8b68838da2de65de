// Command download compares a worker's download path with curl on one machine, over loopback: the same server sends the same bytes to both
// in turn, several times, and the medians count. The worker's path reads, resumes, watches and hashes; curl only reads. Neither stores
// anything. Each runs in its own process, so that its peak of memory can be measured. docs/contributing/performance.md has the figures.
package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

func main() {
	size := flag.String("size", "1G", "bytes of the file, for example 20G")
	rounds := flag.Int("rounds", 5, "how often each program is measured")
	tls := flag.Bool("tls", false, "serve over https")
	role := flag.String("role", "", "what this process is for the one that started it: serve or fetch")
	address := flag.String("address", "", "the file's address, for the role fetch")
	flag.Parse()
	ctx := context.Background()
	quantity, err := resource.ParseQuantity(*size)
	if err == nil {
		switch bytes := quantity.Value(); *role {
		case "serve":
			err = serve(os.Stdout, os.Stdin, bytes, *tls)
		case "fetch":
			err = fetch(ctx, os.Stdout, *address)
		default:
			err = compare(ctx, os.Stdout, bytes, *rounds, *tls)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "download:", err)
		os.Exit(1)
	}
}

// measured is one program's download of the file.
type measured struct {
	took   time.Duration
	cpu    time.Duration // of all its threads
	memory int64         // peak resident bytes
	digest string
}

// rate returns bytes per second.
func (m measured) rate(size int64) float64 { return float64(size) / m.took.Seconds() }

// compare runs both programs in turn and prints their figures.
func compare(ctx context.Context, out io.Writer, size int64, rounds int, tls bool) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	server, address, err := start(ctx, self, size, tls)
	if err != nil {
		return err
	}
	defer server.Close()
	want := hex.EncodeToString(sumOf(size))
	worker := []string{self, "-role", "fetch", "-address", address}
	curl := []string{"curl", "--silent", "--show-error", "--fail", "--insecure", "--noproxy", "*", "--output", "/dev/null", address}

	var ours, theirs []measured
	var ratios []float64
	fmt.Fprintf(out, "%d rounds of %.3g GB from %s\n\nround   worker      curl        ratio\n", rounds, float64(size)/1e9, address)
	for round := range rounds {
		own, err := measure(ctx, worker)
		if err != nil {
			return err
		}
		if own.digest != want {
			return fmt.Errorf("the worker's path came to the digest %s, and the file has %s", own.digest, want)
		}
		other, err := measure(ctx, curl)
		if err != nil {
			return err
		}
		ours, theirs = append(ours, own), append(theirs, other)
		ratios = append(ratios, own.rate(size)/other.rate(size))
		fmt.Fprintf(out, "%5d   %.2f GB/s   %.2f GB/s   %.2f\n", round+1, own.rate(size)/1e9, other.rate(size)/1e9, ratios[round])
	}
	fmt.Fprintf(out, "\nmedian: worker %.2f GB/s, curl %.2f GB/s; of each round's ratio %.2f\n",
		float64(size)/median(ours).took.Seconds()/1e9, float64(size)/median(theirs).took.Seconds()/1e9, medianOf(ratios))
	fmt.Fprintf(out, "processor: worker %.2f s/GB, curl %.2f s/GB\n", median(ours).cpu.Seconds()*1e9/float64(size), median(theirs).cpu.Seconds()*1e9/float64(size))
	fmt.Fprintf(out, "peak memory: worker %.1f MiB, curl %.1f MiB\n", peak(ours), peak(theirs))
	return nil
}

func median(all []measured) measured {
	sorted := slices.SortedFunc(slices.Values(all), func(a, b measured) int { return cmp.Compare(a.took, b.took) })
	return sorted[len(sorted)/2]
}

func medianOf(all []float64) float64 { return slices.Sorted(slices.Values(all))[len(all)/2] }

// peak returns the most memory of any round, in MiB.
func peak(all []measured) float64 {
	return float64(slices.MaxFunc(all, func(a, b measured) int { return cmp.Compare(a.memory, b.memory) }).memory) / (1 << 20)
}

// measure runs a program to its end.
func measure(ctx context.Context, command []string) (measured, error) {
	program := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // this program and curl
	program.Stderr = os.Stderr
	began := time.Now()
	printed, err := program.Output()
	if err != nil {
		return measured{}, fmt.Errorf("%s: %w", command[0], err)
	}
	usage, ok := program.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return measured{}, errors.New("this system does not say what a process used")
	}
	cpu := program.ProcessState.UserTime() + program.ProcessState.SystemTime()
	return measured{took: time.Since(began), cpu: cpu, memory: usage.Maxrss << 10, digest: strings.TrimSpace(string(printed))}, nil
}
