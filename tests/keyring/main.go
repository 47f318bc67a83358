// Which logins the kubelet would try for images, by its own code: its keyring, and its way of reading an image's name.
//
// Reads {"file": TEXT, "images": [NAME…]} from standard input, where TEXT is the value of `.dockerconfigjson` in the one
// pull secret that there is, and prints for each image [[USER, PASSWORD]…], in the order in which they are tried.
package main

import (
	"encoding/json"
	"log"
	"os"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/credentialprovider"
	"k8s.io/kubernetes/pkg/credentialprovider/secrets"
	"k8s.io/kubernetes/pkg/util/parsers"
)

func main() {
	var asked struct {
		File   string
		Images []string
	}
	check(json.NewDecoder(os.Stdin).Decode(&asked))
	pullSecret := v1.Secret{
		Type: v1.SecretTypeDockerConfigJson,
		Data: map[string][]byte{v1.DockerConfigJsonKey: []byte(asked.File)},
	}
	// Nothing of the node's own.
	keyring, err := secrets.MakeDockerKeyring([]v1.Secret{pullSecret}, credentialprovider.UnionDockerKeyring{})
	check(err)
	answers := make([][][2]string, 0, len(asked.Images))
	for _, image := range asked.Images {
		repository, _, _, err := parsers.ParseImageName(image)
		check(err)
		answer := [][2]string{}
		logins, _ := keyring.Lookup(repository)
		for _, login := range logins {
			answer = append(answer, [2]string{login.Username, login.Password})
		}
		answers = append(answers, answer)
	}
	check(json.NewEncoder(os.Stdout).Encode(answers))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
