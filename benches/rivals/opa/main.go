// OPA, asked over pipes by the program that measures it beside the others.
//
// The first line that it reads is {"module", "allow", "inputs"}: it prepares the query and answers {"compile_ns",
// "answers"}. Every other line is a number: it asks everything so many times and answers how many nanoseconds this
// process was running meanwhile, the collector of its garbage included.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

type told struct {
	Module string `json:"module"`
	Allow  string `json:"allow"`
	Inputs []any  `json:"inputs"`
}

type ready struct {
	CompileNs int64  `json:"compile_ns"`
	Answers   []bool `json:"answers"`
}

type prepared struct {
	query  rego.PreparedEvalQuery
	inputs []ast.Value
}

func main() {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	var all told
	check(json.NewDecoder(strings.NewReader(line(lines))).Decode(&all))
	begun := running()
	asked := prepare(all)
	answer := ready{CompileNs: (running() - begun).Nanoseconds(), Answers: asked.all()}
	check(json.NewEncoder(os.Stdout).Encode(answer))
	for {
		times, err := strconv.Atoi(strings.TrimSpace(line(lines)))
		check(err)
		begun := running()
		for range times {
			asked.all()
		}
		fmt.Println((running() - begun).Nanoseconds())
	}
}

func prepare(all told) prepared {
	query, err := rego.New(rego.Query(all.Allow), rego.Module("rivals.rego", all.Module)).PrepareForEval(context.Background())
	check(err)
	asked := prepared{query: query}
	for _, each := range all.Inputs {
		value, err := ast.InterfaceToValue(each)
		check(err)
		asked.inputs = append(asked.inputs, value)
	}
	return asked
}

func (p prepared) all() []bool {
	answers := make([]bool, 0, len(p.inputs))
	for _, input := range p.inputs {
		results, err := p.query.Eval(context.Background(), rego.EvalParsedInput(input))
		check(err)
		answers = append(answers, results.Allowed())
	}
	return answers
}

// How long this process has been running on a processor.
func running() time.Duration {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// The next line; the end of them is the end of this.
func line(from *bufio.Reader) string {
	text, err := from.ReadString('\n')
	if err != nil {
		os.Exit(0)
	}
	return text
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
