// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright (c) kafkaops.kubernetes contributors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)

import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

/**
 * The real judge: answers what Kafka itself says about a broker configuration.
 *
 * <p>Everything is reflection, so that the one class file runs with the jars of every release. Four modes:
 * <ul>
 * <li>{@code judge}: one configuration per line on standard input, {@code key=value} separated by tabs, both
 *     percent-encoded. One answer per line: {@code 1}, or {@code 0 TAB exception TAB message}, percent-encoded.
 * <li>{@code keys}: one line per key of {@code KafkaConfig.configDef()}: name, type, default, validator, class of the
 *     validator, internal or not.
 * <li>{@code topic-keys}: the same for {@code LogConfig}, the configuration of topics.
 * <li>{@code classes INTERFACE...}: every class of Kafka's own jars that is one of these interfaces or implements it.
 * </ul>
 */
public final class Judge {
    private Judge() {
    }

    public static void main(String[] args) throws Exception {
        // Kafka's own logging must not get between the answers.
        PrintStream answers = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        System.setOut(System.err);
        if (args.length > 0 && args[0].equals("keys")) {
            keys(answers, definition());
        } else if (args.length > 0 && args[0].equals("topic-keys")) {
            keys(answers, topicDefinition());
        } else if (args.length > 0 && args[0].equals("classes")) {
            classes(answers, Arrays.copyOfRange(args, 1, args.length));
        } else {
            judge(answers);
        }
        answers.flush();
    }

    private static void judge(PrintStream answers) throws Exception {
        Method fromProps = Class.forName("kafka.server.KafkaConfig").getMethod("fromProps", Properties.class);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            answers.println(verdict(fromProps, properties(line)));
            if (!in.ready()) {
                answers.flush();
            }
        }
    }

    private static Properties properties(String line) {
        Properties properties = new Properties();
        for (String pair : line.split("\t")) {
            int equals = pair.indexOf('=');
            if (equals >= 0) {
                properties.setProperty(decode(pair.substring(0, equals)), decode(pair.substring(equals + 1)));
            }
        }
        return properties;
    }

    private static String verdict(Method fromProps, Properties properties) throws IllegalAccessException {
        try {
            fromProps.invoke(null, properties);
            return "1";
        } catch (InvocationTargetException wrapped) {
            Throwable cause = wrapped.getCause();
            return "0\t" + encode(cause.getClass().getSimpleName()) + "\t" + encode(String.valueOf(cause.getMessage()));
        }
    }

    private static void keys(PrintStream answers, Object definition) throws Exception {
        Object noDefault = definition.getClass().getField("NO_DEFAULT_VALUE").get(null);
        Map<?, ?> keys = new TreeMap<>((Map<?, ?>) definition.getClass().getMethod("configKeys").invoke(definition));
        for (Map.Entry<?, ?> entry : keys.entrySet()) {
            Object key = entry.getValue();
            Object initial = field(key, "defaultValue");
            Object validator = field(key, "validator");
            answers.println(String.join("\t",
                encode(String.valueOf(entry.getKey())),
                encode(String.valueOf(field(key, "type"))),
                initial == noDefault ? "required" : initial == null ? "null" : "=" + encode(text(initial)),
                encode(String.valueOf(validator)),
                validator == null ? "" : encode(validator.getClass().getSimpleName()),
                String.valueOf(field(key, "internalConfig")),
                // From 4.2 ConfigDef.ValidList says whether a list may be empty; before, there is no such field.
                String.valueOf(validator == null ? null : field(validator, "isEmptyAllowed"))));
        }
    }

    /** {@code KafkaConfig.configDef()}, which was private until 3.4. */
    private static Object definition() throws Exception {
        Class<?> companion = Class.forName("kafka.server.KafkaConfig$");
        return field(companion.getField("MODULE$").get(null), "configDef");
    }

    /** The {@code ConfigDef} of topics: a static field of {@code LogConfig}, which was Scala until 3.4. */
    private static Object topicDefinition() throws Exception {
        Class<?> base = Class.forName("org.apache.kafka.common.config.ConfigDef");
        for (String name : new String[] {"org.apache.kafka.storage.internals.log.LogConfig", "kafka.log.LogConfig$"}) {
            Class<?> type;
            try {
                type = Class.forName(name);
            } catch (ClassNotFoundException elsewhere) {
                continue;
            }
            Object instance = name.endsWith("$") ? type.getField("MODULE$").get(null) : null;
            for (Field candidate : type.getDeclaredFields()) {
                // From 3.9 on the keys of brokers that stand for a default of topics are there, too.
                if (base.isAssignableFrom(candidate.getType()) && !candidate.getName().startsWith("SERVER")) {
                    candidate.setAccessible(true);
                    return candidate.get(instance);
                }
            }
        }
        throw new IllegalStateException("no definition of the topics' keys");
    }

    private static void classes(PrintStream answers, String[] interfaces) throws Exception {
        for (String jar : System.getProperty("java.class.path").split(File.pathSeparator)) {
            String file = new File(jar).getName();
            if (!file.startsWith("kafka") || !file.endsWith(".jar")) {
                continue;
            }
            try (JarFile opened = new JarFile(jar)) {
                for (JarEntry entry : Collections.list(opened.entries())) {
                    String name = entry.getName();
                    if (name.endsWith(".class") && !name.contains("$") && !name.contains("META-INF")) {
                        implemented(answers, name.substring(0, name.length() - 6).replace('/', '.'), interfaces);
                    }
                }
            }
        }
    }

    private static void implemented(PrintStream answers, String name, String[] interfaces) {
        for (String wanted : interfaces) {
            try {
                Class<?> base = Class.forName(wanted, false, Judge.class.getClassLoader());
                if (base.isAssignableFrom(Class.forName(name, false, Judge.class.getClassLoader()))) {
                    answers.println(wanted + "\t" + name);
                }
            } catch (ClassNotFoundException | LinkageError absent) {
                // Not in this release, or a class whose optional dependency is missing: nobody can configure it.
            }
        }
    }

    /** A default as a user would write it. */
    private static String text(Object value) {
        if (value instanceof Class<?>) {
            return ((Class<?>) value).getName();
        }
        if (value instanceof java.util.List<?>) {
            StringBuilder joined = new StringBuilder();
            for (Object item : (java.util.List<?>) value) {
                joined.append(joined.length() == 0 ? "" : ",").append(text(item));
            }
            return joined.toString();
        }
        return String.valueOf(value);
    }

    private static Object field(Object holder, String name) throws IllegalAccessException {
        for (Class<?> type = holder.getClass(); type != null; type = type.getSuperclass()) {
            for (Field candidate : type.getDeclaredFields()) {
                if (candidate.getName().equals(name) || candidate.getName().endsWith("$" + name)) {
                    candidate.setAccessible(true);
                    return candidate.get(holder);
                }
            }
        }
        return null;
    }

    private static String decode(String text) {
        return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
