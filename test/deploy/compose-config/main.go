// Prints the project that a compose file is, as docker compose reads it: compose-config [-profile name]... file
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	profiles := flag.String("profiles", "", "comma-separated")
	flag.Parse()
	var names []string
	if *profiles != "" {
		names = strings.Split(*profiles, ",")
	}
	options, err := cli.NewProjectOptions(flag.Args(), cli.WithOsEnv, cli.WithProfiles(names))
	if err == nil {
		project, failed := options.LoadProject(context.Background())
		if failed == nil {
			text, _ := project.MarshalJSON()
			fmt.Println(string(text))
			return
		}
		err = failed
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
