// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) kafkaops.kubernetes contributors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The real judge for properties files: {@code java.util.Properties} itself.
 *
 * <p>One percent-encoded file per line. Answers: {@code 1}, then for every key a tab and {@code key=value}, both
 * percent-encoded, sorted; or {@code 0 TAB exception TAB message}.
 */
public final class PropertiesJudge {
    private PropertiesJudge() {
    }

    public static void main(String[] args) throws Exception {
        PrintStream answers = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            answers.println(answer(URLDecoder.decode(line, StandardCharsets.UTF_8)));
            if (!in.ready()) {
                answers.flush();
            }
        }
        answers.flush();
    }

    private static String answer(String text) throws Exception {
        Properties loaded = new Properties();
        try {
            loaded.load(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
        } catch (IllegalArgumentException refusal) {
            return "0\t" + encode(refusal.getClass().getSimpleName()) + "\t" + encode(String.valueOf(refusal.getMessage()));
        }
        return "1" + new TreeMap<>(loaded).entrySet().stream()
            .map(entry -> "\t" + encode((String) entry.getKey()) + "=" + encode((String) entry.getValue()))
            .collect(Collectors.joining());
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
